"""Parse the query strings and paths of articles."""

import re
from typing import get_args
from urllib.parse import urlencode

from mostread.core.ranking import windows
from mostread.errors import BadParameter
from mostread.ranking.api.params.lists import PARAMETERS
from mostread.ranking.api.params.periods import take_period
from mostread.ranking.api.params.values import ARTICLE_ID, Parameter, matching, one_of, parse
from mostread.ranking.queries import (
    CountsQuery,
    DecisionKind,
    DecisionsQuery,
    ListDefaults,
    LogQuery,
)

MAX_COUNTED = 100
"""The most articles of one request for counts."""

_COUNTS = {
    "id": ARTICLE_ID._replace(most=MAX_COUNTED),
    **{name: PARAMETERS[name] for name in ("site", "window", "tz")},
}
DECISIONS = {
    **{name: PARAMETERS[name] for name in ("site", "q", "limit", "offset")},
    "kind": one_of(get_args(DecisionKind))._replace(most=len(get_args(DecisionKind))),
}
_LOG = {
    "site": PARAMETERS["site"],
    "limit": PARAMETERS["limit"],
    "before": Parameter(
        "the id of a decision in a log", lambda value: int(matching("[0-9]{1,19}")(value))
    ),
}


def counts_query(raw: str, defaults: ListDefaults) -> CountsQuery:
    """Parse the query string of the counts of articles. Raises BadParameter."""
    _, values = parse(raw, _COUNTS)
    if "id" not in values:
        raise BadParameter("id", "id is missing", f"id once to {MAX_COUNTED} times")
    period = take_period(values, windows.LIFETIME, defaults.tz)
    return CountsQuery(values.get("site", "default"), values["id"], period.window, period.tz)


def log_query(raw: str, article_id: str) -> LogQuery:
    """Parse the query string of a decision log. Raises BadParameter."""
    _, values = parse(raw, _LOG)
    return LogQuery(**{"site": "default", **values}, article_id=article_id)


def decisions_query(raw: str) -> DecisionsQuery:
    """Parse the query string of the decisions in force. Raises BadParameter."""
    _, values = parse(raw, DECISIONS)
    return DecisionsQuery(**values)


def site_only(raw: str) -> str:
    """Parse a query string that accepts only `site`. Raises BadParameter."""
    _, values = parse(raw, {"site": PARAMETERS["site"]})
    site: str = values.get("site", "default")
    return site


def placement(raw: str, article_id: str | None) -> tuple[str, str]:
    """Return the site and the id of the article that a decision is about. Raises BadParameter.

    The id is in the path (`article_id`), or else the parameter `id`.
    """
    known = {"site": PARAMETERS["site"]}
    if article_id is None:
        known["id"] = ARTICLE_ID
    _, values = parse(raw, known)
    if article_id is not None:
        values |= parse(urlencode({"id": article_id}), {"id": ARTICLE_ID})[1]
    if "id" not in values:
        raise BadParameter("id", "id is missing", "id, or an article in the path")
    return values.get("site", "default"), values["id"]


def article_id(text: str) -> str:
    """Return the article id of a path. Raises BadParameter."""
    # Granian decodes paths, and bytes that are not UTF-8 to U+FFFD.
    if not re.fullmatch("[^\x00-\x1f\ufffd]{1,128}", text):
        raise BadParameter(
            "article_id",
            "article_id is not valid",
            "1 to 128 characters of UTF-8, percent-encoded, without control characters",
        )
    return text
