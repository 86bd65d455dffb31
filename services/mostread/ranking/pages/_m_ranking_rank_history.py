"""Where an article stood hour by hour, on its page: as a line, in words, and as a table.

The first rank is at the top, and from 10 to 100 it is as far as from 1 to 10.
"""

import math
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import groupby
from typing import NamedTuple

from mostread.ranking.pages.desk_words import DeskWords
from mostread.ranking.pages.page_words import PageWords
from mostread.ranking.service.rank_history import FURTHEST, Ranks
from mostread.ranking.api.serializers import rfc3339

APART = 10
HEIGHT = 100
_EDGE = 3


class RankLine(NamedTuple):
    """The points of SVG polylines, one for each stretch without a gap; `lowest` is lowest."""

    lines: list[str]
    lowest: int
    width: int


def rank_line(ranks: Sequence[int | None]) -> RankLine:
    """Return ranks as lines APART from one to the next, over HEIGHT."""
    lowest = max(10, *(rank or 0 for rank in ranks))

    def points(stretch: Sequence[tuple[int, int]]) -> Iterator[str]:
        for at, rank in stretch:
            depth = _EDGE + (HEIGHT - 2 * _EDGE) * math.log(rank) / math.log(lowest)
            # It stood there for the hour, and one rank alone is to be seen too.
            yield f"{at * APART},{depth:.1f} {(at + 1) * APART},{depth:.1f}"

    known = [(at, rank) for at, rank in enumerate(ranks)]
    lines = [
        " ".join(points([(at, rank) for at, rank in stretch if rank is not None]))
        for there, stretch in groupby(known, key=lambda each: each[1] is not None)
        if there
    ]
    return RankLine(lines, lowest, len(ranks) * APART)


def rank_context(
    ranks: Ranks | None, now: datetime, words: PageWords, desk: DeskWords
) -> dict[str, object]:
    """Return what article.html tells of ranks; none of them where they cannot be had just now."""
    if ranks is None:
        return {"rank_line": None, "rank_said": "", "rank_rows": []}
    ends = [end.astimezone(now.tzinfo) for end in ranks.ends]
    labels = [f"{words.date(end)}, {end:%H:%M}" for end in ends]
    stood = [(rank, n) for n, rank in enumerate(ranks.ranks) if rank is not None]
    if stood:
        best, at = min(stood, key=lambda each: (each[0], -each[1]))
        last = desk.rank_last if ranks.ranks[-1] else desk.rank_none
        said = last.format(time=labels[-1], rank=ranks.ranks[-1] or FURTHEST)
        said += " " + desk.rank_best.format(rank=best, time=labels[at])
    else:
        said = desk.rank_never.format(rank=FURTHEST)
    return {
        "rank_line": rank_line(ranks.ranks) if stood else None,
        "rank_said": said,
        "rank_from": labels[0],
        "rank_to": labels[-1],
        "rank_rows": [(rfc3339(ends[n]), labels[n], rank) for rank, n in reversed(stood)],
    }
