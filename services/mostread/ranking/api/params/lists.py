"""Parse the query strings of lists."""

from collections.abc import Mapping
from dataclasses import replace
from typing import get_args
from urllib.parse import parse_qsl

from mostread.core.ranking import windows
from mostread.core.ranking.trends import TRENDING_WINDOW
from mostread.errors import BadParameter
from mostread.ranking.api.params.periods import COMPARE, RANGE, take_period
from mostread.ranking.api.params.values import (
    ARTICLE_ID,
    FLAG,
    Parameter,
    duration,
    half_life,
    integer,
    matching,
    one_of,
    parse,
    search,
    wall_seconds,
)
from mostread.ranking.pages.i18n import Lang
from mostread.ranking.queries import By, ListDefaults, ListQuery, zone_name

MAX_OFFSET = 10_000
"""The largest offset of a page."""

MAX_EXCLUDED = 20
"""The most articles that a list leaves out by request."""

_MAX_OFFSET_WITH_EXCLUDE = 100

MAX_LIVE_PAGES = 20
"""The most pages of one stream."""

PARAMETERS = {
    "site": Parameter("1 to 64 of A-Z a-z 0-9 . _ -", matching("[A-Za-z0-9._-]{1,64}")),
    "window": one_of(windows.NAMES),
    **RANGE,
    "compare": COMPARE,
    "by": one_of(get_args(By)),
    "limit": integer(1, 100),
    "offset": integer(0, MAX_OFFSET),
    "section": Parameter("1 to 100 characters", matching("[^\x00-\x1f\x7f]{1,100}"), most=20),
    "language": Parameter(
        "a language tag (BCP 47), for example kk, ru or en-GB",
        matching("(?=.{1,35}$)[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*"),
        most=20,
    ),
    "author": Parameter("1 to 200 characters", matching("[^\x00-\x1f\x7f]{1,200}"), most=20),
    "tag": Parameter("1 to 64 characters", matching("[^\x00-\x1f\x7f]{1,64}"), most=20),
    "exclude": ARTICLE_ID._replace(most=MAX_EXCLUDED),
    "published_within": Parameter("hours or days, for example 6h or 7d", duration),
    "tz": Parameter("the name of an IANA time zone, for example Asia/Almaty", zone_name),
    "half_life": Parameter("hours or days, for example 6h or 2d, or none", half_life),
    "quarantined": FLAG,
    "undescribed": FLAG,
    "pins": FLAG,
    "explain": FLAG,
    "cursor": Parameter(
        "* for the first page, then the next_cursor of the previous page",
        matching(r"\*|[A-Za-z0-9_-]{1,64}\.[0-9]{1,5}"),
    ),
    "q": Parameter("words of a title or an id, at most 100 characters", search),
}

# These name a list; the others concern the form of the response.
_NOT_IN_EVERY_LIST = {"undescribed", "explain", "cursor", "q", "compare"}
LIST = {name: PARAMETERS[name] for name in PARAMETERS if name not in _NOT_IN_EVERY_LIST}
STREAM = {**LIST, "explain": PARAMETERS["explain"], "compare": COMPARE}
LANG = one_of(get_args(Lang))
_PAGE = {name: STREAM[name] for name in STREAM if name not in {"exclude", "explain"}}
PAGE = {
    **_PAGE,
    "q": PARAMETERS["q"],
    "lang": LANG,
    "wall": Parameter("5 to 3600 seconds per section, or nothing", wall_seconds),
    "turn": integer(0, 1000),
}
EMBED = {**LIST, "lang": LANG, "counts": one_of(("0", "1", "total"))}

# The language of a stream does not depend on a header.
LIVE = {**_PAGE, "lang": LANG}

_PRESENTATION = {"lang", "counts", "wall", "turn"}


def list_query(
    raw: str,
    defaults: ListDefaults,
    *,
    known: Mapping[str, Parameter] | None = None,
    followed: bool = False,
) -> ListQuery:
    """Parse the query string of a list. Raises BadParameter.

    `known` are the parameters that the route accepts, by default all of a list; see `parse` for
    `followed`.
    """
    written, values = parse(raw, PARAMETERS if known is None else known, followed=followed)
    for name in _PRESENTATION & values.keys():
        del values[name]
    values.setdefault("half_life", defaults.half_life)
    if values.get("by") == "trending":
        if "from" in values or "to" in values:
            raise BadParameter("by", "trending has a window of its own", "another order")
        values["window"] = TRENDING_WINDOW
    period = take_period(values, ListQuery().window, defaults.tz)
    query = ListQuery(**values, **period._asdict(), written=written)
    if "undescribed" not in values:
        query = replace(query, undescribed=defaults.lists_undescribed(query.site))
    if query.cursor and query.offset:
        raise BadParameter(
            "offset", "offset cannot be combined with cursor", "offset without a cursor"
        )
    if query.exclude and (query.cursor or query.offset > _MAX_OFFSET_WITH_EXCLUDE):
        allowed = f"an offset of at most {_MAX_OFFSET_WITH_EXCLUDE}, without a cursor"
        raise BadParameter("exclude", "exclude is for the top of a list", allowed)
    # Without effect on the result, it would only split the cache.
    decays = query.by == "score" and query.window != windows.LIFETIME
    return replace(
        query,
        half_life=query.half_life if decays else None,
        pins=query.pins or not query.may_show_pins,
    )


def live_pages(raw: str) -> list[str]:
    """Parse the query string of a stream of pages, each named by its own. Raises BadParameter."""
    allowed = f"1 to {MAX_LIVE_PAGES} times page=, each with the query string of a list page"
    try:
        pairs = parse_qsl(raw, strict_parsing=True, errors="strict", max_num_fields=MAX_LIVE_PAGES)
    except ValueError as error:
        raise BadParameter(
            "page", "the pages are missing, too many or not UTF-8", allowed
        ) from error
    if not pairs:
        raise BadParameter("page", "the page is missing", allowed)
    for name, _ in pairs:
        if name != "page":
            raise BadParameter(name, f"unknown parameter {name[:64]!r}", "page")
    return [page for _, page in pairs]
