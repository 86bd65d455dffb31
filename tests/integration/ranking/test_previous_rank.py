"""Previous ranks: the rank in the same list one step before."""

import pytest

from tests.support.ranking import Counted, Site, ago


async def ranks(site: Site, **parameters: str | int) -> dict[str, int | None]:
    items = (await site.most_read(**parameters))["items"]
    return {item["article_id"]: item["previous_rank"] for item in items}


@pytest.mark.parametrize("window", ["1h", "6h", "24h", "today"])
async def test_previous_rank_is_that_of_an_hour_ago(
    site: Site, counted: Counted, window: str
) -> None:
    counted.event("risen", ago(minutes=61), views=1)
    counted.event("risen", ago(minutes=5), views=9)
    counted.event("fallen", ago(minutes=61), views=5)
    counted.event("fallen", ago(minutes=5), views=1)
    counted.event("new", ago(minutes=59), views=3)
    counted.write()
    order = ["risen", "new", "fallen"] if window == "1h" else ["risen", "fallen", "new"]
    before = {"risen": 2, "fallen": 1, "new": None}
    assert await ranks(site, window=window) == {name: before[name] for name in order}


@pytest.mark.parametrize("window", ["7d", "30d", "all", "week", "yesterday"])
async def test_previous_rank_is_that_of_a_day_ago(
    site: Site, counted: Counted, window: str
) -> None:
    # It is Monday, 14:03: a day ago it was the previous week, and yesterday was Saturday.
    counted.event("risen", ago(hours=40), views=1)
    counted.event("risen", ago(hours=15), views=9)
    counted.event("fallen", ago(hours=40), views=5)
    counted.event("new", ago(hours=15), views=3)
    if window == "week":
        counted.event("risen", ago(minutes=5), views=9)
        counted.event("new", ago(minutes=5), views=3)
    counted.write()
    before = {"risen": 2, "fallen": 1, "new": None}
    order = {"week": ["risen", "new"], "yesterday": ["risen", "new"]}
    expected = order.get(window, ["risen", "fallen", "new"])
    assert await ranks(site, window=window) == {name: before[name] for name in expected}


async def test_previous_rank_by_score_and_trend(site: Site, counted: Counted) -> None:
    for hour in range(26):
        counted.event("a", ago(hours=hour, minutes=90), views=10)
        counted.event("b", ago(hours=hour, minutes=90), views=10)
    counted.event("a", ago(minutes=90), views=490)
    counted.event("b", ago(minutes=30), views=500)
    counted.event("a", ago(minutes=30), views=400)
    counted.write()
    assert await ranks(site, by="trending") == {"b": None, "a": 1}
    assert await ranks(site, by="score", half_life="1h") == {"a": 1, "b": 2}


async def test_previous_ranks_take_pinned_articles_into_account(
    site: Site, counted: Counted
) -> None:
    counted.event("a", ago(minutes=90), views=2)
    counted.event("b", ago(minutes=90), views=1)
    counted.article("pinned", pinned=2)
    counted.write()
    assert await ranks(site) == {"a": 1, "pinned": None, "b": 3}


async def test_previous_totals_exclude_later_events(site: Site, counted: Counted) -> None:
    counted.event("late", None, views=3)
    counted.event("a", ago(hours=23, minutes=59), views=7)
    counted.event("b", ago(hours=24, minutes=1), views=2)
    counted.write()
    assert await ranks(site, window="all") == {"a": None, "late": 1, "b": 2}


async def decide(counted: Counted, change: str) -> None:
    match change:
        case "hidden":
            counted.decision("a", hidden=True)
        case "listed again":
            counted.decision("hidden", version=2, hidden=False)
        case "pinned":
            counted.decision("c", pinned=1)
        case "under embargo":
            counted.decision("a", embargo_until=ago(hours=-1))
        case "hidden by CMS":
            counted.article("a", version=2, hidden=True)
        case "deleted":
            counted.article("a", version=2, deleted=True)
        case "moved to section":
            counted.article("other", version=2, section="City")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("hidden", {"b": 1, "c": 2}),
        ("listed again", {"hidden": 1, "a": 2, "b": 3, "c": 4}),
        ("pinned", {"c": None, "a": 2, "b": 3}),
        ("under embargo", {"b": 1, "c": 2}),
        ("hidden by CMS", {"b": 1, "c": 2}),
        ("deleted", {"b": 1, "c": 2}),
        ("moved to section", {"other": 1, "a": 2, "b": 3, "c": 4}),
    ],
)
async def test_decision_changes_no_rank_by_itself(
    site: Site, counted: Counted, change: str, expected: dict[str, int | None]
) -> None:
    """The same minute: the list of an hour ago has the decisions that are in force now."""
    articles = {"hidden": 6, "other": 5, "a": 3, "b": 2, "c": 1}
    for article_id, views in articles.items():
        counted.event(article_id, ago(minutes=90), views=views)
        counted.article(article_id, section="Sport" if article_id == "other" else "City")
    counted.write()
    counted.decision("hidden", hidden=True)
    assert await ranks(site, section="City") == {"a": 1, "b": 2, "c": 3}
    await decide(counted, change)
    # Another page of the same list, which no cache has.
    assert await ranks(site, section="City", limit=20) == expected
