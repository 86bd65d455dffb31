"""Cursors: pages of a stored list while its numbers change."""

from typing import Any

import pytest

from mostread.infra.clickhouse.client import connect
from mostread.ranking.config import RankingSettings
from tests.support.ranking import SECOND, Counted, Service, Site, ago


async def pages(site: Site, cursor: str | None, **parameters: str | int) -> list[dict[str, Any]]:
    """Return all items from a cursor on, page by page."""
    items: list[dict[str, Any]] = []
    while cursor is not None:
        page = await site.most_read(cursor=cursor, **parameters)
        items += page["items"]
        cursor = page["next_cursor"]
    return items


async def test_cursor_pages_have_no_gaps_or_duplicates_while_list_changes(
    site: Site, counted: Counted, ranking_settings: RankingSettings
) -> None:
    for number in range(25):
        counted.event(f"a{number:02}", ago(minutes=5), views=100 - number)
    counted.article("a20", pinned=2)
    counted.write()
    first = await site.most_read(cursor="*", limit=10, by="views")
    # The last article rises to the top; with offsets one article would be on two pages.
    later = Counted(connect(ranking_settings), counted.site)
    later.event("a24", ago(minutes=4), views=1000, topic=SECOND)
    later.write()
    later.client.close()
    rest = await pages(site, first["next_cursor"], limit=10)
    items = first["items"] + rest
    assert [item["rank"] for item in items] == list(range(1, 26))
    others = [f"a{number:02}" for number in range(25) if number != 20]
    assert [item["article_id"] for item in items] == [others[0], "a20", *others[1:]]
    # Window counts are from the time of the first page, totals are current.
    assert items[-1]["window"]["views"] == 76
    assert items[-1]["total"]["views"] == 1000 + 76
    assert (await site.ids(cursor="*", section="none")) == []


@pytest.mark.parametrize(
    ("query", "status", "kind"),
    [
        ("cursor=gone.10", 410, "cursor-expired"),
        ("cursor=*&offset=10", 400, "bad-parameter"),
        ("cursor=10", 400, "bad-parameter"),
    ],
)
async def test_invalid_cursor_is_rejected(
    service: Service, query: str, status: int, kind: str
) -> None:
    answer = await service.get(f"/v1/most-read?{query}")
    assert answer.status == status
    assert (await answer.json())["type"] == f"urn:mostread:problem:{kind}"


async def test_cursor_of_another_list_is_rejected(
    service: Service, site: Site, counted: Counted
) -> None:
    for article_id in "ab":
        counted.event(article_id, ago(minutes=5), views=1)
    counted.write()
    cursor = (await site.most_read(cursor="*", limit=1))["next_cursor"]
    answer = await service.get(f"/v1/most-read?site={site.name}&by=likes&cursor={cursor}")
    assert answer.status == 400
    assert (await answer.json())["parameter"] == "cursor"
    assert await site.ids(cursor=cursor, limit=7) == ["b"]


async def test_ranks_below_all_pins_continue(site: Site, counted: Counted) -> None:
    for number in range(1004):
        counted.event(f"a{number:04}", ago(minutes=5), views=2000 - number)
    counted.article("a0900", pinned=1)
    counted.write()
    full_list = await pages(site, "*", limit=100)
    for offset in (900, 999, 1000, 1001, 1004):
        page = (await site.most_read(offset=offset, limit=3))["items"]
        assert page == [{**item, "previous_rank": None} for item in full_list[offset : offset + 3]]
