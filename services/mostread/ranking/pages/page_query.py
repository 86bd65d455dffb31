"""The query of a list page: that of the API, with the defaults of a page."""

from collections.abc import Mapping
from dataclasses import replace

from mostread.core.ranking.comparison import Comparison
from mostread.core.ranking.windows import LIFETIME, RANGE
from mostread.ranking.api import params
from mostread.ranking.api.params.values import Parameter
from mostread.ranking.queries import ListDefaults, ListQuery

ROWS = 20
"""Rows of a page, unless the address says otherwise."""

_UP_TO_A_DAY = ("1h", "6h", "24h", "today", "yesterday")


def page_query(
    raw: str,
    defaults: ListDefaults,
    known: Mapping[str, Parameter],
    remembered: str = "",
    *,
    followed: bool = True,
) -> ListQuery:
    """Parse the query string of a list page. Raises BadParameter.

    `remembered` is the comparison that the browser chose last; the address takes precedence.
    `followed` tells that it is a link, to which others may have added parameters.
    """
    query = params.list_query(raw, defaults, known=known, followed=followed)
    written = dict(query.written)
    if "limit" not in written:
        query = replace(query, limit=ROWS)
    if "compare" in written or query.trending:
        return query
    compare = _comparison(query, remembered)
    # Days are those of the zone of the page, as in a query that names the comparison.
    zone = query.tz or (written.get("tz", defaults.tz) if compare else None)
    return replace(query, compare=compare, tz=zone)


def _comparison(query: ListQuery, remembered: str) -> Comparison | None:
    """Return the comparison of a page whose address names none.

    The same time yesterday says little about a week, which contains it.
    """
    if query.window == LIFETIME or remembered == "none":
        return None
    if query.window == RANGE:
        return "previous"
    if query.window not in _UP_TO_A_DAY:
        return "year" if remembered == "year" else "previous"
    if remembered in {"previous", "week", "year"}:
        return remembered  # type: ignore[return-value]
    return "day"
