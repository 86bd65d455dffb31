"""The log of what editors decided about one article, and how each decision is taken back."""

import re
from dataclasses import dataclass
from itertools import zip_longest
from typing import NamedTuple

import orjson

from mostread.ranking.api.params import PARAMETERS, Parameter, parsed
from mostread.ranking.api.serializers import decision_json
from mostread.ranking.repository import NEWEST, DecisionRow, Store


def _version(value: str) -> int:
    if not re.fullmatch("[0-9]{1,19}", value):
        raise ValueError(value)
    return int(value)


_PARAMETERS = {
    "site": PARAMETERS["site"],
    "limit": PARAMETERS["limit"],
    "before": Parameter("the id of a decision, as a log names it", _version),
}


class LogQuery(NamedTuple):
    """Which decisions are asked for: the newest `limit` below the version `before`."""

    site: str
    article_id: str
    limit: int = 20
    before: int = NEWEST


def log_query(raw: str, article_id: str) -> LogQuery:
    """Parse an address of a log. Raises BadParameter."""
    _, values = parsed(raw, _PARAMETERS)
    return LogQuery(**{"site": "default", **values}, article_id=article_id)


class Logged(NamedTuple):
    """A decision, and the one that it replaced, None where there was none."""

    decision: DecisionRow
    replaced: DecisionRow | None


@dataclass(frozen=True, slots=True)
class PlacementLog:
    """A page of the log, the newest first; `more` says that older ones follow."""

    query: LogQuery
    decisions: tuple[Logged, ...]
    more: bool


async def placement_log(store: Store, query: LogQuery) -> PlacementLog:
    """Raise ClickHouseUnavailable or Misconfigured where it cannot be read."""
    # One more than is asked for: it says what the last one replaced.
    rows = await store.decisions(
        query.site, query.article_id, rows=query.limit + 1, before=query.before
    )
    logged = [Logged(row, before) for row, before in zip_longest(rows, rows[1:])]
    return PlacementLog(query, tuple(logged[: query.limit]), len(rows) > query.limit)


def placement_log_json(log: PlacementLog) -> bytes:
    """Return the body of GET /v1/articles/{article_id}/placements."""
    last = log.decisions[-1].decision if log.more else None
    return orjson.dumps(
        {
            "site": log.query.site,
            "article_id": log.query.article_id,
            "items": [_item(logged) for logged in log.decisions],
            "next": str(last.version) if last else None,
        }
    )


def _item(logged: Logged) -> dict[str, object]:
    decision = logged.decision
    return {
        "id": str(decision.version),
        "by": decision.by or None,
        "reason": decision.reason or None,
        **decision_json(decision),
        "undoes": str(decision.undoes) if decision.undoes is not None else None,
        "undo": undo(logged),
    }


def undo(logged: Logged) -> dict[str, object]:
    """Return what an editor sends to take a decision back: the one that it replaced, as it was.

    It is a decision like any other, and says which one it undoes: the log keeps both.
    """
    body: dict[str, object] = {"undoes": str(logged.decision.version)}
    before = logged.replaced
    if before is None:
        return body
    said = {
        "hidden": before.hidden,
        "pinned": before.pinned,
        "embargo_until": before.embargo_until,
        "expires_at": before.expires_at,
        "approved": before.approved,
        "until": before.until,
        "reason": before.reason or None,
    }
    return body | {name: value for name, value in said.items() if value is not None}
