"""Query strings are parsed into queries, and invalid parameters rejected by name."""

from datetime import UTC, datetime, timedelta
from typing import get_args
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mostread.core.ranking.windows import NAMES, Bounds
from mostread.errors import BadParameter
from mostread.infra.schemas import openapi
from mostread.ranking.api.params import PARAMETERS, counts_query, list_query, site_only
from mostread.ranking.pages import urls
from mostread.ranking.pages.i18n import LANGUAGES
from mostread.ranking.queries import By, CountsQuery, ListDefaults, ListQuery


def test_empty_query_string_is_last_day_by_views() -> None:
    assert list_query("", ListDefaults()) == ListQuery(
        site="default", window="24h", by="views", limit=10, offset=0
    )


def test_query_string_with_every_parameter() -> None:
    query = list_query(
        "site=kz&window=today&by=likes&limit=100&offset=10000&section=%D0%A1%D0%BF%D0%BE%D1%80%D1%82"
        "&language=kk&published_within=36h&tz=Asia/Almaty",
        ListDefaults(),
    )
    assert query == ListQuery(
        site="kz",
        window="today",
        by="likes",
        limit=100,
        offset=10_000,
        section=("Спорт",),
        language=("kk",),
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
def test_search_is_split_into_words(written: str, words: list[str]) -> None:
    query = list_query(written, ListDefaults())
    assert query.words == words
    assert (query == ListQuery()) is (words == [])


def test_links_omit_empty_search() -> None:
    assert (
        urls.list_params(list_query("q=&limit=5", ListDefaults()), offset="5")
        == "?limit=5&offset=5"
    )


@pytest.mark.parametrize("name", NAMES)
def test_every_window_is_allowed(name: str) -> None:
    assert list_query(f"window={name}", ListDefaults()).window == name


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
        ("&".join(f"section={n}" for n in range(21)), "section"),
        ("&".join(f"language=a{chr(97 + n)}" for n in range(21)), "language"),
        ("&".join(f"exclude={n}" for n in range(21)), "exclude"),
        ("exclude=%20", "exclude"),
        ("exclude=a%E2%80%AEb", "exclude"),
        ("exclude=a&offset=101", "exclude"),
        ("exclude=a&cursor=*", "exclude"),
        ("language=" + "-".join(["abcdefgh"] * 5), "language"),
        ("published_within=0h", "published_within"),
        ("published_within=7", "published_within"),
        ("tz=Mars/Olympus", "tz"),
        ("tz=../UTC", "tz"),
        ("tz=posixrules%00", "tz"),
        ("colour=red", "colour"),
        ("section=%FF", ""),
        ("&".join(f"p{n}=1" for n in range(200)), ""),
    ],
)
def test_invalid_parameter_is_rejected_with_allowed_values(raw: str, parameter: str) -> None:
    with pytest.raises(BadParameter) as caught:
        list_query(raw, ListDefaults())
    assert caught.value.parameter == parameter
    assert caught.value.allowed in str(caught.value)


def test_section_without_percent_encoding_is_accepted() -> None:
    assert list_query("section=Спорт", ListDefaults()).section == ("Спорт",)


def test_equivalent_query_strings_make_equal_queries() -> None:
    assert (
        len({list_query(raw, ListDefaults()) for raw in ("", "limit=10", "offset=0&window=24h")})
        == 1
    )
    # A zone moves calendar windows only.
    assert list_query("tz=Asia/Almaty", ListDefaults()) == list_query("", ListDefaults())
    assert list_query("window=today&tz=Asia/Almaty", ListDefaults()) == list_query(
        "window=today", ListDefaults(tz="Asia/Almaty")
    )


def test_links_keep_written_parameters_only() -> None:
    query = list_query("site=kz&section=a%26b&offset=10", ListDefaults())
    assert urls.list_params(query, window="7d", offset=None) == "?site=kz&section=a%26b&window=7d"


def test_links_keep_repeated_parameters() -> None:
    query = list_query("section=b&limit=5&section=a&section=b&exclude=%20x", ListDefaults())
    assert (query.section, query.exclude) == (("a", "b"), ("x",))
    assert query == list_query("section=a&section=b&limit=5&exclude=x", ListDefaults())
    assert urls.list_params(query) == "?section=b&section=a&section=b&limit=5&exclude=+x"
    assert urls.list_params(query, section=("a", "c"), exclude=None) == (
        "?section=a&section=c&limit=5"
    )


def test_counts_name_articles_once_in_canonical_form() -> None:
    query = counts_query("id=b&id=%20a%20&id=b&id=%D0%B8%CC%86&site=kz", ListDefaults())
    assert query == CountsQuery("kz", ("a", "b", "\u0439"), "all", None)
    assert counts_query("id=a&window=today", ListDefaults(tz="Asia/Almaty")).tz == "Asia/Almaty"


@pytest.mark.parametrize(
    ("raw", "parameter"),
    [
        ("", "id"),
        ("id=", "id"),
        ("id=a%00", "id"),
        (f"id={'a' * 129}", "id"),
        ("&".join(f"id={n}" for n in range(101)), "id"),
        ("id=a&window=2h", "window"),
        ("id=a&by=views", "by"),
    ],
)
def test_invalid_parameter_of_counts_is_rejected(raw: str, parameter: str) -> None:
    with pytest.raises(BadParameter) as caught:
        counts_query(raw, ListDefaults())
    assert caught.value.parameter == parameter


def test_counts_of_hundred_articles_are_allowed() -> None:
    raw = "&".join(f"id={n}" for n in range(100)) + "&site=kz&window=7d&tz=UTC"
    assert len(counts_query(raw, ListDefaults()).articles) == 100


def test_article_accepts_only_site() -> None:
    assert site_only("") == "default"
    assert site_only("site=kz") == "kz"
    with pytest.raises(BadParameter):
        site_only("limit=1")


@given(st.sampled_from(sorted(PARAMETERS)), st.text(st.characters(codec="utf-8")))
def test_any_value_is_parsed_or_rejected_by_name(name: str, value: str) -> None:
    rejected = ""
    try:
        assert dict(list_query(f"{name}={quote(value)}", ListDefaults()).written) == {name: value}
    except BadParameter as error:
        rejected = error.parameter
    assert rejected in {"", name}


def test_half_life_applies_to_scores_with_time_only() -> None:
    defaults = ListDefaults(half_life=timedelta(hours=6))
    assert list_query("by=score", defaults).half_life == timedelta(hours=6)
    assert list_query("by=score&half_life=2d", defaults).half_life == timedelta(days=2)
    assert list_query("by=score&half_life=none", defaults) == list_query("by=score", ListDefaults())
    assert list_query("half_life=2d", defaults) == list_query("", ListDefaults())
    assert list_query("by=score&window=all", defaults).half_life is None


def test_trending_ignores_window_parameter() -> None:
    assert list_query("by=trending&window=30d", ListDefaults()) == list_query(
        "by=trending&window=today&tz=Asia/Almaty", ListDefaults()
    )


def test_pages_share_full_list() -> None:
    full_list = list_query("by=likes", ListDefaults())
    assert list_query("by=likes&offset=20&limit=5&explain=1", ListDefaults()).full_list == full_list


@pytest.mark.parametrize(
    ("name", "values"), [("window", NAMES), ("by", get_args(By)), ("lang", LANGUAGES)]
)
def test_openapi_has_every_window_order_and_language(name: str, values: tuple[str, ...]) -> None:
    components = openapi("ranking")["components"]
    assert components["parameters"][name]["schema"]["enum"] == list(values)
    schemas = components["schemas"]
    documented = {
        "window": schemas["Window"]["properties"]["name"],
        "by": schemas["MostRead"]["properties"]["by"],
    }
    if name in documented:
        assert documented[name]["enum"] == [*values, *(["range"] if name == "window" else [])]


def range_of(raw: str) -> Bounds | None:
    return list_query(raw, ListDefaults(tz="Asia/Almaty")).bounds


def test_dates_of_range_are_local_days_including_last() -> None:
    query = list_query("from=2026-11-01&to=2026-11-07", ListDefaults(tz="Asia/Almaty"))
    assert (query.window, query.tz) == ("range", "Asia/Almaty")
    assert query.bounds == Bounds(
        datetime(2026, 10, 31, 19, tzinfo=UTC), datetime(2026, 11, 7, 19, tzinfo=UTC)
    )
    assert range_of("from=2026-11-01&to=2026-11-07&tz=UTC") == Bounds(
        datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 8, tzinfo=UTC)
    )


def test_times_of_range_are_whole_minutes_and_end_is_exclusive() -> None:
    assert range_of("from=2026-11-01T05:00:59Z&to=2026-11-01T12:30:00.5%2B05:00") == Bounds(
        datetime(2026, 11, 1, 5, tzinfo=UTC), datetime(2026, 11, 1, 7, 31, tzinfo=UTC)
    )


def test_range_without_end_has_open_end() -> None:
    assert range_of("from=2026-11-01") == Bounds(datetime(2026, 10, 31, 19, tzinfo=UTC), None)


@pytest.mark.parametrize(
    ("raw", "parameter"),
    [
        ("from=2026-11-01&window=7d", "window"),
        ("to=2026-11-01", "from"),
        ("from=2026-11-02&to=2026-11-01", "to"),
        ("from=2026-11-02T10:00:00Z&to=2026-11-02T10:00:00Z", "to"),
        ("from=2026-02-30", "from"),
        ("from=20261101", "from"),
        ("from=2026-W45-1", "from"),
        ("from=2026-11-01T10:00:00", "from"),
        ("from=9999-12-31", "from"),
        ("from=", "from"),
        ("from=2026-11-01&from=2026-11-02", "from"),
        ("from=2026-11-01&by=trending", "by"),
        ("compare=month", "compare"),
        ("compare=", "compare"),
    ],
)
def test_wrong_range_is_rejected_by_name(raw: str, parameter: str) -> None:
    with pytest.raises(BadParameter) as error:
        list_query(raw, ListDefaults())
    assert error.value.parameter == parameter


def test_comparison_keeps_zone_of_sliding_window() -> None:
    compared = list_query("window=24h&compare=week&tz=Asia/Almaty", ListDefaults())
    assert (compared.compare, compared.tz) == ("week", "Asia/Almaty")
    assert list_query("window=24h&compare=none&tz=Asia/Almaty", ListDefaults()) == ListQuery()
    assert compared.full_list.compare is None
