"""Decoding article records of the articles topic."""

import pytest

from mostread.collector.api.payloads import Ids, deleted_article
from mostread.core.editorial.articles import ArticleRow, Source, article_key
from mostread.core.editorial.records import (
    ArticleForget,
    decode_change,
    forget_key,
    record_keys,
    record_version,
)
from mostread.core.events import LATEST_TIMESTAMP
from mostread.errors import InvalidEvent

KEY = article_key("site", "a:b/ц")
VALUE = '{"site":"site","article_id":"a:b/ц","title":"Тақырып","pinned":3}'.encode()


def article(value: bytes | None, timestamp: int = 5, offset: int = 7) -> ArticleRow:
    row = decode_change(KEY, value, timestamp=timestamp, offset=offset)
    assert isinstance(row, ArticleRow)
    return row


def test_article_record_becomes_row() -> None:
    row = article(VALUE)
    assert (row.site, row.article_id, row.title, row.pinned) == ("site", "a:b/ц", "Тақырып", 3)
    assert (row.url, row.section, row.published_at, row.deleted) == ("", "", None, False)


def test_article_record_keeps_authors_and_tags_in_order() -> None:
    value = (
        b'{"site":"site","article_id":"a:b/\xd1\x86","title":"t","authors":["B","A"],"tags":["z"]}'
    )
    assert (article(value).authors, article(value).tags) == (("B", "A"), ("z",))
    assert (article(VALUE).authors, article(VALUE).tags) == ((), ())


def test_article_record_without_value_deletes() -> None:
    assert article(None).deleted


def test_deletion_is_a_record_that_compaction_keeps() -> None:
    value = deleted_article(Ids("a:b/ц", "site")).value
    assert article(value) == article(None)
    assert article(value).version > article(VALUE, offset=6).version


def test_version_grows_with_time_then_offset() -> None:
    def version(timestamp: int, offset: int) -> int:
        return article(VALUE, timestamp, offset).version

    assert version(1000, 5) < version(1000, 6) < version(1001, 0) < 2**64


def test_description_of_cms_wins_over_later_ones_of_a_feed() -> None:
    def version(source: Source, value: bytes | None, timestamp: int) -> int:
        key = article_key("site", "a:b/ц", source)
        row = decode_change(key, value, timestamp=timestamp, offset=0)
        assert isinstance(row, ArticleRow)
        assert (row.site, row.article_id) == ("site", "a:b/ц")
        return row.version

    feed = [version(Source.FEED, VALUE, time) for time in (1, 2, LATEST_TIMESTAMP)]
    cms = [version(Source.CMS, value, time) for value, time in ((VALUE, 0), (None, 1), (VALUE, 2))]
    assert [*feed, *cms] == sorted(feed + cms)
    assert cms[-1] < 2**64


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
        (KEY, '{"site":"site","article_id":"a:b/ц"}'.encode()),
        (KEY, '{"site":"site","article_id":"a:b/ц","deleted":false}'.encode()),
        (KEY, b'{"site":"site","article_id":"other","deleted":true}'),
        (KEY, b'{"article_id":"a","title":"t","url":"javascript:alert(1)"}'),
    ],
)
def test_invalid_article_record_is_rejected_with_reason(key: bytes | None, value: bytes) -> None:
    with pytest.raises(InvalidEvent) as refused:
        decode_change(key, value, timestamp=1, offset=1)
    assert str(refused.value)


@pytest.mark.parametrize(("key", "article_id"), [(b"forget:s:a:b", "a:b"), (b"forget:s:", "")])
def test_record_of_a_forget_names_site_article_and_version(key: bytes, article_id: str) -> None:
    forget = decode_change(key, b"{}", timestamp=5, offset=7)
    assert forget == ArticleForget("s", article_id, record_version(5, 7))


def test_keys_of_an_article_are_those_that_can_be_decoded() -> None:
    rows = [decode_change(key, None, timestamp=5, offset=7) for key in record_keys("s", "a")]
    assert {(row.site, row.article_id) for row in rows} == {("s", "a")}
    assert forget_key("s", "a") == b"forget:s:a"
