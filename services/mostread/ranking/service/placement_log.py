"""The log of editors' decisions about one article, with the decision that undoes each."""

from dataclasses import dataclass
from itertools import zip_longest
from typing import NamedTuple

from mostread.ranking.decisions_repository import DecisionRepository, DecisionRow
from mostread.ranking.queries import LogQuery


class LogEntry(NamedTuple):
    """A decision, and the one that it replaced, if any."""

    decision: DecisionRow
    replaced: DecisionRow | None


@dataclass(frozen=True, slots=True)
class PlacementLog:
    """A page of the log, newest first; `more` tells whether older decisions follow."""

    query: LogQuery
    entries: tuple[LogEntry, ...]
    more: bool


async def placement_log(decisions: DecisionRepository, query: LogQuery) -> PlacementLog:
    """Read a page of the log. Raises ClickHouseUnavailable or Misconfigured."""
    # One row more than the page: the decision that the last one replaced.
    rows = await decisions.log(
        query.site, query.article_id, rows=query.limit + 1, before=query.before
    )
    entries = [LogEntry(row, replaced) for row, replaced in zip_longest(rows, rows[1:])]
    return PlacementLog(query, tuple(entries[: query.limit]), len(rows) > query.limit)


def undo(entry: LogEntry) -> dict[str, object]:
    """Return the decision that undoes an entry: the one it replaced, ready to be sent.

    It is an ordinary decision that refers to the one it undoes, so the log keeps both.
    """
    body: dict[str, object] = {"undoes": str(entry.decision.version)}
    replaced = entry.replaced
    if replaced is None:
        return body
    fields = {
        "hidden": replaced.hidden,
        "pinned": replaced.pinned,
        "pinned_in": replaced.pinned_in,
        "embargo_until": replaced.embargo_until,
        "expires_at": replaced.expires_at,
        "approved": replaced.approved,
        "until": replaced.until,
        "reason": replaced.reason or None,
    }
    return body | {name: value for name, value in fields.items() if value is not None}
