"""Read lists from their cache, and leave out what a request excludes."""

from dataclasses import replace

from mostread.ranking.cache.cache import Cache
from mostread.ranking.queries import ListQuery
from mostread.ranking.service.lists import Entry, RankedList


class ListReader:
    """The lists of a cache.

    Each page excludes the article it shows. Lists that differ only in `exclude` are therefore made
    from one cached list with a few more items.
    """

    def __init__(self, cache: Cache[ListQuery, RankedList]) -> None:
        self._cache = cache

    async def get(self, query: ListQuery) -> RankedList:
        """Return a list. Raises what computing it raises."""
        if not query.exclude:
            return await self._cache.get(query)
        limit = query.offset + query.limit + len(query.exclude)
        everything = await self._cache.get(replace(query, offset=0, limit=limit, exclude=()))
        entries = _without(everything.entries, frozenset(query.exclude))
        page = entries[query.offset : query.offset + query.limit]
        return replace(everything, query=query, entries=page)


def _without(entries: tuple[Entry, ...], excluded: frozenset[str]) -> tuple[Entry, ...]:
    """Return the other entries, each at the rank it has without the excluded ones."""
    out = [entry for entry in entries if entry.article_id in excluded]
    ranks = [entry.rank for entry in out]
    previous_ranks = [entry.previous_rank for entry in out if entry.previous_rank]
    return tuple(
        replace(
            entry,
            rank=_closed_up(entry.rank, ranks),
            previous_rank=entry.previous_rank and _closed_up(entry.previous_rank, previous_ranks),
        )
        for entry in entries
        if entry.article_id not in excluded
    )


def _closed_up(rank: int, left_out: list[int]) -> int:
    return rank - sum(each < rank for each in left_out)
