"""The wall: a list that fills a screen, and turns through sections, without controls.

`wall` in the address is the number of seconds per section. The sections are those in the address,
or else the whole site and then its sections with most articles. `turn` counts on.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from mostread.ranking.pages import urls
from mostread.ranking.queries import ListQuery
from mostread.ranking.service.facets import FacetValues

ROWS = 10
SECONDS = 20
_MOST_SECTIONS = 9


@dataclass(frozen=True, slots=True)
class Wall:
    """One turn: the list to show, as a query and its query string, and the address of the next."""

    query: ListQuery
    page: str
    title: str
    next: str
    seconds: int
    position: int
    turns: int


def wall(query: ListQuery, values: FacetValues, lang: str, **away: str) -> Wall:
    """Return the turn that the address of a list names; `away` is the zone of another place."""
    written = dict(query.written)
    program: Sequence[tuple[str, ...]] = (
        [(section,) for section in query.section]
        if query.section
        else [(), *((section,) for section in [*values.sections][:_MOST_SECTIONS])]
    )
    position = int(written.get("turn") or 0) % len(program)
    section = program[position]
    following = (position + 1) % len(program)
    shown = {"wall": None, "turn": None, "section": section, "limit": str(query.limit)}
    shown |= {"compare": query.compare or "none", **away}
    return Wall(
        query=replace(query, section=section),
        page=urls.list_params(query, lang=lang, q=None, **shown)[1:],
        title=", ".join(section),
        next=urls.list_params(query, turn=str(following), wall=written["wall"] or str(SECONDS)),
        seconds=int(written["wall"] or SECONDS),
        position=position,
        turns=len(program),
    )
