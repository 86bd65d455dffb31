"""Aliases of the command line: circles, files, and what each alias stands for."""

import pytest

from mostread.core.editorial.aliases import WHOLE_SITE, AliasRow
from mostread.errors import InvalidFile
from mostread.ops.aliases import Circle, Pair, article_id, check_circles, read_pairs, shown

KNOWN = [
    AliasRow("s", "a", "b", "cms", 1 << 20),
    AliasRow("s", "b", "c", "cms", 2 << 20),
    AliasRow("t", "c", "a", "cms", 3 << 20),
    AliasRow("old", WHOLE_SITE, "new", "cms", 4 << 20),
]


@pytest.mark.parametrize(
    ("site", "pairs"),
    [
        pytest.param("s", [Pair("c", "a")], id="of_a_chain"),
        pytest.param("s", [Pair("x", "x")], id="itself"),
        pytest.param("s", [Pair("x", "y"), Pair("y", "x")], id="within_the_file"),
        pytest.param("s", [Pair("c", "x"), Pair("x", "a")], id="by_both"),
        pytest.param(None, [Pair("new", "old")], id="of_sites"),
    ],
)
def test_circle_is_refused(site: str | None, pairs: list[Pair]) -> None:
    with pytest.raises(Circle, match=r"cannot be an alias of .+; "):
        check_circles(KNOWN, site, pairs)


@pytest.mark.parametrize(
    ("site", "pairs"),
    [
        pytest.param("s", [Pair("x", "a"), Pair("c", "d")], id="chain"),
        pytest.param("s", [Pair("a", "x")], id="replaced"),
        pytest.param("u", [Pair("c", "a")], id="other_site"),
        pytest.param(None, [Pair("oldest", "old")], id="sites"),
    ],
)
def test_alias_without_circle_is_accepted(site: str | None, pairs: list[Pair]) -> None:
    check_circles(KNOWN, site, pairs)


def test_alias_is_shown_with_what_it_finally_stands_for() -> None:
    rows = [*KNOWN, AliasRow("s", "x", "y", "", 5), AliasRow("s", "y", "x", "", 6)]
    assert {(each.site, each.article_id): each.canonical_id for each in shown(rows)} == {
        ("s", "a"): "c",
        ("s", "b"): "c",
        ("s", "x"): "x",
        ("s", "y"): "x",
        ("t", "c"): "a",
        ("old", WHOLE_SITE): "new",
    }


def test_address_stands_for_its_id() -> None:
    assert article_id("https://news.example/2026/lamps?utm_source=x#top") == "/2026/lamps"
    assert article_id(" lamps ") == "lamps"
    with pytest.raises(ValueError, match="blank"):
        article_id(" ")


def test_file_of_redirects_becomes_pairs() -> None:
    content = b"old,new\nhttps://news.example/a,/b\n/c,/d\n"
    assert read_pairs(content, "redirects.csv") == [Pair("/a", "/b"), Pair("/c", "/d")]


def test_invalid_lines_are_named() -> None:
    with pytest.raises(InvalidFile, match=r"line 3: .*blank"):
        read_pairs(b"old,new\n/a,/b\n/c,\n", "redirects.csv")
