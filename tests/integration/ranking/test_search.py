"""Search: results keep their rank in the full list."""

import pytest

from tests.support.ranking import Counted, Site, ago


@pytest.fixture
def seven(counted: Counted) -> Counted:
    """Seven articles in the order of their ids, the third pinned to the fifth rank."""
    titles = ["Қар жауды", "ЁЛКА на площади", "Снег", "", "100% снега", "Snow_white", "Қала"]
    for number, title in enumerate(titles, 1):
        counted.event(f"news/{number}", ago(minutes=5), views=10 * (10 - number))
        if title:
            counted.article(f"news/{number}", title=title)
    counted.decision("news/3", pinned=5)
    counted.write()
    return counted


@pytest.mark.parametrize(
    ("search", "ranks"),
    [
        ("қа", {"news/1": 1, "news/7": 7}),
        ("елка", {"news/2": 2}),
        ("площади ёл", {"news/2": 2}),
        ("снег", {"news/3": 5, "news/5": 4}),
        ("%", {"news/5": 4}),
        ("_", {"news/6": 6}),
        ("NEWS/4", {"news/4": 3}),
        ("news 4", {"news/4": 3}),
        (
            "news",
            {f"news/{n}": rank for n, rank in zip((1, 2, 4, 5, 3, 6, 7), range(1, 8), strict=True)},
        ),
        ("снег елка", {}),
        ("')", {}),
        ("\\", {}),
    ],
)
async def test_search_matches_title_and_id_ignoring_case(
    site: Site, seven: Counted, search: str, ranks: dict[str, int]
) -> None:
    items = (await site.most_read(q=search))["items"]
    assert {item["article_id"]: item["rank"] for item in items} == ranks
    assert [item["rank"] for item in items] == sorted(ranks.values())


async def test_search_omits_hidden_articles(site: Site, seven: Counted) -> None:
    seven.decision("news/1", hidden=True)
    items = (await site.most_read(q="қа"))["items"]
    assert [(item["article_id"], item["rank"]) for item in items] == [("news/7", 6)]


async def test_search_results_are_paged(site: Site, seven: Counted) -> None:
    assert await site.ids(q="news", limit=3, offset=3) == ["news/5", "news/3", "news/6"]
    first = await site.most_read(q="news", limit=4, cursor="*")
    second = await site.most_read(q="news", limit=4, cursor=first["next_cursor"])
    ids = [item["article_id"] for item in first["items"] + second["items"]]
    assert ids == [f"news/{n}" for n in (1, 2, 4, 5, 3, 6, 7)]


async def test_search_keeps_ranks_of_full_list(site: Site, counted: Counted) -> None:
    for article_id, before, lately in (("a", 30, 0), ("b", 20, 20), ("c", 0, 35)):
        counted.event(article_id, ago(hours=3), views=before)
        counted.event(article_id, ago(minutes=5), views=lately)
    counted.write()
    [item] = (await site.most_read(q="a"))["items"]
    assert (item["rank"], item["previous_rank"]) == (3, 1)
