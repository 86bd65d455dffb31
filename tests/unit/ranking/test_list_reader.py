"""Lists without excluded articles, made from the full list; see also the integration test."""

from collections.abc import Collection
from datetime import UTC, datetime
from itertools import combinations

import pytest

from mostread.core.ranking.ordering import place
from mostread.core.ranking.windows import resolve
from mostread.ranking.aliases import Members, SiteNames
from mostread.ranking.cache.cache import Cache
from mostread.ranking.config import Weights
from mostread.ranking.queries import ListQuery
from mostread.ranking.repository import Counts, RankedRow
from mostread.ranking.service.list_reader import ListReader
from mostread.ranking.service.lists import Entry, RankedList

NOW = datetime(2026, 11, 23, 14, 3, tzinfo=UTC)


def row(article_id: str, pinned: int | None) -> RankedRow:
    return RankedRow(
        article_id=article_id,
        pinned=pinned,
        approved=False,
        ranked=0,
        points=0,
        base_views=0,
        base_comments=0,
        base_likes=0,
        typical=0,
        exposure=0,
        exposure_before=0,
        expected=0,
        matches=True,
        number=0,
        others=0,
    )


def ranked(articles: str, pins: dict[str, int]) -> dict[str, int]:
    """Return the rank of each article of a list: the pinned ones, and `articles` in order."""
    placed = place([(rank, each) for each, rank in pins.items()], articles)
    return {at.article: at.rank for at in placed}


def reader(articles: str, before: str, pins: dict[str, int]) -> ListReader:
    """Return the reader of a list whose order was `before` in the previous window."""
    previous = ranked(before, pins)

    async def compute(query: ListQuery) -> RankedList:
        entries = tuple(
            Entry(
                rank=rank,
                previous_rank=None if each in pins else previous.get(each),
                pinned=each in pins,
                row=row(each, pins.get(each)),
                total=Counts(),
                metadata=None,
                integrity=None,
            )
            for each, rank in ranked(articles, pins).items()
        )
        page = entries[query.offset : query.offset + query.limit]
        return RankedList(query, resolve("24h", NOW), NOW, False, page, Weights())

    async def members(site: str, articles: Collection[str]) -> Members:
        return Members(SiteNames(site), articles)

    return ListReader(Cache(compute, capacity=10), members)


@pytest.mark.parametrize(
    "pins",
    [
        pytest.param({}, id="none"),
        pytest.param({"P": 2}, id="one"),
        pytest.param({"P": 1, "Q": 4}, id="two"),
        pytest.param({"P": 2, "Q": 2, "R": 3}, id="same"),
        pytest.param({"P": 3, "Q": 4, "R": 5}, id="adjacent"),
        pytest.param({"P": 90}, id="below"),
    ],
)
async def test_list_without_excluded_articles_is_as_if_they_did_not_exist(
    pins: dict[str, int],
) -> None:
    articles, before = "abcdef", "cfbaed"
    lists = reader(articles, before, pins)
    for number in (1, 2):
        for out in combinations([*articles, *pins], number):
            others = {each: rank for each, rank in pins.items() if each not in out}
            current = ranked("".join(each for each in articles if each not in out), others)
            previous = ranked("".join(each for each in before if each not in out), others)
            top = await lists.get(ListQuery(limit=2, exclude=out))
            assert [each.article_id for each in top.entries] == [*current][:2]
            full = await lists.get(ListQuery(limit=10, exclude=out))
            assert [(each.rank, each.previous_rank, each.article_id) for each in full.entries] == [
                (rank, None if each in pins else previous[each], each)
                for each, rank in current.items()
            ]
