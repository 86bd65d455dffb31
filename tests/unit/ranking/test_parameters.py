"""Addresses become queries; what is wrong is refused by its name."""

from datetime import timedelta
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mostread.core.ranking.windows import NAMES
from mostread.ranking.api.params import (
    PARAMETERS,
    BadParameter,
    Defaults,
    ListQuery,
    list_query,
    site_only,
)


def test_nothing_asked_is_the_last_day_by_views() -> None:
    assert list_query("", Defaults()) == ListQuery(
        site="default", window="24h", by="views", limit=10, offset=0
    )


def test_everything_asked() -> None:
    query = list_query(
        "site=kz&window=today&by=likes&limit=100&offset=10000&section=%D0%A1%D0%BF%D0%BE%D1%80%D1%82"
        "&language=kk&published_within=36h&tz=Asia/Almaty",
        Defaults(),
    )
    assert query == ListQuery(
        site="kz",
        window="today",
        by="likes",
        limit=100,
        offset=10_000,
        section="Спорт",
        language="kk",
        published_within=timedelta(hours=36),
        tz="Asia/Almaty",
    )


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("q=", []),
        ("q=+%20", []),
        ("q=+%D0%95%D0%BB%D0%BA%D0%B0++4711", ["Елка", "4711"]),
        ("q=%D0%B8%CC%86", ["\u0439"]),  # й of two characters
    ],
)
def test_words_are_searched_for_one_by_one(written: str, words: list[str]) -> None:
    query = list_query(written, Defaults())
    assert query.words == words
    assert (query == ListQuery()) is (words == [])


def test_an_empty_search_is_in_no_address() -> None:
    assert list_query("q=&limit=5", Defaults()).address(offset="5") == "?limit=5&offset=5"


@pytest.mark.parametrize("name", NAMES)
def test_every_window_is_allowed(name: str) -> None:
    assert list_query(f"window={name}", Defaults()).window == name


@pytest.mark.parametrize(
    ("raw", "parameter"),
    [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=%2B5", "limit"),
        ("limit=1_0", "limit"),
        ("limit=%D9%A5", "limit"),
        ("limit=", "limit"),
        ("limit", "limit"),
        ("limit=5&limit=6", "limit"),
        ("offset=-1", "offset"),
        ("offset=10001", "offset"),
        ("window=2h", "window"),
        ("window=24H", "window"),
        ("by=shares", "by"),
        ("site=a/b", "site"),
        ("site=" + "a" * 65, "site"),
        ("section=", "section"),
        ("section=a%00b", "section"),
        ("language=k", "language"),
        ("language=" + "-".join(["abcdefgh"] * 5), "language"),
        ("published_within=0h", "published_within"),
        ("published_within=7", "published_within"),
        ("tz=Mars/Olympus", "tz"),
        ("tz=../UTC", "tz"),
        ("tz=posixrules%00", "tz"),
        ("colour=red", "colour"),
        ("section=%FF", ""),
        ("&".join(f"p{n}=1" for n in range(40)), ""),
    ],
)
def test_what_is_wrong_is_named_with_what_is_allowed(raw: str, parameter: str) -> None:
    with pytest.raises(BadParameter) as caught:
        list_query(raw, Defaults())
    assert caught.value.parameter == parameter
    assert caught.value.allowed in str(caught.value)


def test_a_section_may_be_sent_without_percent_encoding() -> None:
    raw = "section=Спорт".encode().decode("ascii", "surrogateescape")
    assert list_query(raw, Defaults()).section == "Спорт"


def test_addresses_that_mean_one_list_make_one_query() -> None:
    assert (
        len({list_query(raw, Defaults()) for raw in ("", "limit=10", "offset=0&window=24h")}) == 1
    )
    # A zone moves calendar windows only.
    assert list_query("tz=Asia/Almaty", Defaults()) == list_query("", Defaults())
    assert list_query("window=today&tz=Asia/Almaty", Defaults()) == list_query(
        "window=today", Defaults(tz="Asia/Almaty")
    )


def test_links_keep_what_was_written_and_nothing_else() -> None:
    query = list_query("site=kz&section=a%26b&offset=10", Defaults())
    assert query.address(window="7d", offset=None) == "?site=kz&section=a%26b&window=7d"


def test_an_article_takes_only_a_site() -> None:
    assert site_only("") == "default"
    assert site_only("site=kz") == "kz"
    with pytest.raises(BadParameter):
        site_only("limit=1")


@given(st.sampled_from(sorted(PARAMETERS)), st.text(st.characters(codec="utf-8")))
def test_any_value_is_parsed_or_refused_by_name(name: str, value: str) -> None:
    refused = ""
    try:
        assert dict(list_query(f"{name}={quote(value)}", Defaults()).written) == {name: value}
    except BadParameter as error:
        refused = error.parameter
    assert refused in {"", name}


def test_a_half_life_is_for_scores_that_have_a_time() -> None:
    usual = Defaults(half_life=timedelta(hours=6))
    assert list_query("by=score", usual).half_life == timedelta(hours=6)
    assert list_query("by=score&half_life=2d", usual).half_life == timedelta(days=2)
    assert list_query("by=score&half_life=none", usual) == list_query("by=score", Defaults())
    assert list_query("half_life=2d", usual) == list_query("", Defaults())
    assert list_query("by=score&window=all", usual).half_life is None


def test_what_is_trending_has_one_window() -> None:
    assert list_query("by=trending&window=30d", Defaults()) == list_query(
        "by=trending&window=today&tz=Asia/Almaty", Defaults()
    )


def test_pages_of_a_list_are_of_one_list() -> None:
    whole = list_query("by=likes", Defaults())
    assert list_query("by=likes&offset=20&limit=5&explain=1", Defaults()).whole == whole
