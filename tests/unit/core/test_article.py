"""What becomes of a record of the articles topic that tells of an article."""

import pytest

from mostread.core.editorial.articles import ArticleRow, article_key
from mostread.core.editorial.records import decode_change
from mostread.errors import InvalidEvent

KEY = article_key("site", "a:b/ц")
VALUE = '{"site":"site","article_id":"a:b/ц","title":"Тақырып","pinned":3}'.encode()


def article(value: bytes | None, timestamp: int = 5, offset: int = 7) -> ArticleRow:
    row = decode_change(KEY, value, timestamp=timestamp, offset=offset)
    assert isinstance(row, ArticleRow)
    return row


def test_an_article_becomes_a_row() -> None:
    row = article(VALUE)
    assert (row.site, row.article_id, row.title, row.pinned) == ("site", "a:b/ц", "Тақырып", 3)
    assert (row.url, row.section, row.published_at, row.deleted) == ("", "", None, False)


def test_a_record_without_a_value_deletes() -> None:
    assert article(None).deleted


def test_the_version_grows_with_time_and_then_with_the_offset() -> None:
    def version(timestamp: int, offset: int) -> int:
        return article(VALUE, timestamp, offset).version

    assert version(1000, 5) < version(1000, 6) < version(1001, 0) < 2**64


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (None, VALUE),
        (b"\xff", VALUE),
        (b"article", VALUE),
        (b"placement:site:a", VALUE),
        (b"article:site:other", VALUE),
        (KEY, b"{"),
        (KEY, b'{"article_id":"a:b"}'),
        (KEY, b'{"article_id":"a","title":"t","url":"javascript:alert(1)"}'),
    ],
)
def test_anything_else_is_refused_with_a_reason(key: bytes | None, value: bytes) -> None:
    with pytest.raises(InvalidEvent) as refused:
        decode_change(key, value, timestamp=1, offset=1)
    assert str(refused.value)
