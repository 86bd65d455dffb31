"""Read lists from their cache, and leave out what a request excludes."""

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from dataclasses import replace

from mostread.core.ranking.ordering import place, place_some
from mostread.ranking.aliases import Members
from mostread.ranking.cache.cache import Cache
from mostread.ranking.queries import ListQuery
from mostread.ranking.service.lists import Entry, RankedList

_LAST_PINNED_RANK = 100
ReadMembers = Callable[[str, Collection[str]], Awaitable[Members]]


class ListReader:
    """The lists of a cache.

    Each page excludes the article it shows. Lists that differ only in `exclude` are therefore made
    from one cached list with a few more items.
    """

    def __init__(self, cache: Cache[ListQuery, RankedList], members: ReadMembers) -> None:
        """`members` tells the present ids of what requests exclude by former ones."""
        self._cache = cache
        self._members = members

    async def get(self, query: ListQuery) -> RankedList:
        """Return a list. Raises what computing it raises."""
        if not query.exclude:
            return await self._cache.get(query)
        # A page may still name an article by a former id.
        excluded = (await self._members(query.site, query.exclude)).present
        end = query.offset + query.limit
        limit = end + len(query.exclude)
        while True:
            everything = await self._cache.get(replace(query, offset=0, limit=limit, exclude=()))
            entries = _without(everything.entries, frozenset(excluded))[:end]
            if len(everything.entries) < limit or not any(map(_is_above_its_pin, entries)):
                return replace(everything, query=query, entries=entries[query.offset :])
            # The articles that belong above this pinned one come further down.
            limit += _LAST_PINNED_RANK


def _without(entries: tuple[Entry, ...], excluded: frozenset[str]) -> tuple[Entry, ...]:
    """Return the other entries, each at the rank it has without the excluded ones."""
    kept = [entry for entry in entries if entry.article_id not in excluded]
    previous_ranks = _previous_ranks(entries, excluded)
    placed = place(_pinned(kept), (entry for entry in kept if not entry.pinned))
    return tuple(
        replace(at.article, rank=at.rank, previous_rank=previous_ranks.get(at.article.article_id))
        for at in placed
    )


def _previous_ranks(entries: tuple[Entry, ...], excluded: frozenset[str]) -> Mapping[str, int]:
    """Return the previous ranks without the excluded articles, among the same pinned ones."""
    pinned_ranks = [at.rank for at in place_some(_pinned(entries), (), _LAST_PINNED_RANK)]
    others = []
    left_out = 0
    for rank, entry in sorted(
        ((entry.previous_rank, entry) for entry in entries if entry.previous_rank),
        key=lambda ranked: ranked[0],
    ):
        if entry.article_id in excluded:
            left_out += 1
        else:
            pinned_above = sum(pinned < rank for pinned in pinned_ranks)
            others.append((rank - pinned_above - left_out, entry))
    kept = _pinned(entry for entry in entries if entry.article_id not in excluded)
    placed = place_some(kept, others, _LAST_PINNED_RANK)
    return {at.article.article_id: at.rank for at in placed if not at.pinned}


def _pinned(entries: Iterable[Entry]) -> list[tuple[int, Entry]]:
    return [(entry.row.pinned, entry) for entry in entries if entry.row.pinned is not None]


def _is_above_its_pin(entry: Entry) -> bool:
    return entry.row.pinned is not None and entry.rank < entry.row.pinned
