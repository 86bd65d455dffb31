"""If-None-Match, compared weakly."""

import pytest

from mostread.infra.http.etag import matches


@pytest.mark.parametrize(
    "if_none_match",
    [
        '"a"',
        'W/"a"',
        '"b", "a"',
        'W/"b",W/"a"',
        '"b"  ,  "a"',
        '"a", "b"',
        "*",
        " * ",
        '"x,y", "a"',
    ],
)
@pytest.mark.parametrize("etag", ['"a"', 'W/"a"'])
def test_header_that_names_the_tag_matches(if_none_match: str, etag: str) -> None:
    assert matches(if_none_match, etag)


@pytest.mark.parametrize("if_none_match", ["", '"b"', 'W/"b"', "a", '"aa"', '"b,a"', '"A"', '"*"'])
def test_header_that_names_other_tags_does_not_match(if_none_match: str) -> None:
    assert not matches(if_none_match, '"a"')
    assert not matches(if_none_match, 'W/"a"')
