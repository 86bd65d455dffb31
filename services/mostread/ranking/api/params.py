"""Parse query strings into queries, and reject invalid parameters by name."""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, get_args
from urllib.parse import parse_qsl

from mostread.core import article_ids
from mostread.core.ranking import windows
from mostread.core.ranking.query_plan import TRENDING_WINDOW
from mostread.core.retention import HOUR_ROW_TTL_SECONDS, MINUTE_ROW_TTL_SECONDS
from mostread.errors import BadParameter
from mostread.ranking.pages.i18n import Lang
from mostread.ranking.queries import (
    STEPS,
    By,
    CountsQuery,
    ListDefaults,
    ListQuery,
    LogQuery,
    SeriesGrain,
    SeriesQuery,
    zone_name,
)

MAX_OFFSET = 10_000
"""The largest offset of a page."""

MAX_COUNTED = 100
"""The most articles of one request for counts."""

MAX_EXCLUDED = 20
"""The most articles that a list leaves out by request."""

_MAX_OFFSET_WITH_EXCLUDE = 100

MAX_LIVE_PAGES = 20
"""The most pages of one stream."""

MAX_SERIES_LENGTH = 1500
"""The most steps of a time series: a day of minutes, or two months of hours."""

RETENTION: dict[SeriesGrain, timedelta] = {
    "minute": timedelta(seconds=MINUTE_ROW_TTL_SECONDS),
    "hour": timedelta(seconds=HOUR_ROW_TTL_SECONDS),
}
"""How long ClickHouse keeps rows of each grain."""

_DEFAULT_LENGTH: dict[SeriesGrain, timedelta] = {
    "minute": timedelta(hours=3),
    "hour": timedelta(days=7),
}
_RFC3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?(Z|[+-][0-9]{2}:[0-9]{2})"
)


Written = tuple[tuple[str, str], ...]
"""The parameters of a query string, decoded, in their order."""


class Parameter(NamedTuple):
    """A description of the allowed values, and the function that parses them."""

    allowed: str
    parse: Callable[[str], Any]
    """Raises ValueError for a value that is not allowed."""
    most: int = 1
    """How often it may occur; the value of one that may be repeated is a sorted tuple."""


def list_query(
    raw: str, defaults: ListDefaults, *, known: Mapping[str, Parameter] | None = None
) -> ListQuery:
    """Parse the query string of a list. Raises BadParameter.

    `known` are the parameters that the route accepts, by default all of a list.
    """
    written, values = parse(raw, PARAMETERS if known is None else known)
    for name in _PRESENTATION & values.keys():
        del values[name]
    values.setdefault("half_life", defaults.half_life)
    query = ListQuery(**values, written=written)
    if "undescribed" not in values:
        query = replace(query, undescribed=defaults.lists_undescribed(query.site))
    if query.cursor and query.offset:
        raise BadParameter(
            "offset", "offset cannot be combined with cursor", "offset without a cursor"
        )
    if query.exclude and (query.cursor or query.offset > _MAX_OFFSET_WITH_EXCLUDE):
        allowed = f"an offset of at most {_MAX_OFFSET_WITH_EXCLUDE}, without a cursor"
        raise BadParameter("exclude", "exclude is for the top of a list", allowed)
    if query.trending:
        query = replace(query, window=TRENDING_WINDOW)
    # Without effect on the result, these would only split the cache.
    zone = (query.tz or defaults.tz) if query.window in windows.CALENDAR else None
    decays = query.by == "score" and query.window != windows.LIFETIME
    return replace(query, tz=zone, half_life=query.half_life if decays else None)


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


def series_query(raw: str, article_id: str, now: datetime) -> SeriesQuery:
    """Parse the query string of a time series. Raises BadParameter."""
    _, values = parse(raw, _SERIES)
    grain: SeriesGrain = values.get("grain", "hour")
    step, last = STEPS[grain], _floor(now, grain) + STEPS[grain]
    # A client's clock may be ahead; the series ends with the current step.
    end = min(last, _floor(values.get("to", last) + step - timedelta.resolution, grain))
    start = _floor(values.get("from", end - _DEFAULT_LENGTH[grain]), grain)
    if start >= end:
        raise BadParameter("from", "from is not before to, and not before now", "an earlier time")
    if start < last - RETENTION[grain]:
        allowed = f"at most {RETENTION[grain].days} days ago, the retention of {grain} counts"
        raise BadParameter("from", f"from is too long ago for grain={grain}", allowed)
    query = SeriesQuery(values.get("site", "default"), article_id, grain, start, end)
    if query.length > MAX_SERIES_LENGTH:
        allowed = f"a time at most {MAX_SERIES_LENGTH} {grain}s before to"
        raise BadParameter("from", f"from and to are {query.length} {grain}s apart", allowed)
    return query


def counts_query(raw: str, defaults: ListDefaults) -> CountsQuery:
    """Parse the query string of the counts of articles. Raises BadParameter."""
    _, values = parse(raw, _COUNTS)
    if "id" not in values:
        raise BadParameter("id", "id is missing", f"id once to {MAX_COUNTED} times")
    window: str = values.get("window", windows.LIFETIME)
    zone: str = values.get("tz", defaults.tz)
    return CountsQuery(
        values.get("site", "default"),
        values["id"],
        window,
        zone if window in windows.CALENDAR else None,
    )


def log_query(raw: str, article_id: str) -> LogQuery:
    """Parse the query string of a decision log. Raises BadParameter."""
    _, values = parse(raw, _LOG)
    return LogQuery(**{"site": "default", **values}, article_id=article_id)


def site_only(raw: str) -> str:
    """Parse a query string that accepts only `site`. Raises BadParameter."""
    _, values = parse(raw, {"site": PARAMETERS["site"]})
    site: str = values.get("site", "default")
    return site


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


def parse(raw: str, known: Mapping[str, Parameter]) -> tuple[Written, dict[str, Any]]:
    """Return the parameters of a query string as written and as parsed. Raises BadParameter."""
    written = _pairs(raw, known)
    parsed: dict[str, Any] = {}
    for name, value in written:
        one = _parsed(name, value, known[name])
        if known[name].most == 1:
            parsed[name] = one
        else:
            parsed.setdefault(name, set()).add(one)
    for name, values in parsed.items():
        if known[name].most > 1:
            parsed[name] = tuple(sorted(values))
    return written, parsed


def _pairs(raw: str, known: Mapping[str, Parameter]) -> Written:
    names = ", ".join(known)
    most = max(32, sum(parameter.most for parameter in known.values()))
    try:
        pairs = parse_qsl(raw, keep_blank_values=True, errors="strict", max_num_fields=most)
    except ValueError as error:
        raise BadParameter("", "the parameters are not UTF-8, or too many", names) from error
    occurrences = Counter(name for name, _ in pairs)
    for name, times in occurrences.items():
        if name not in known:
            raise BadParameter(name, f"unknown parameter {name[:64]!r}", names)
        most = known[name].most
        if times > most:
            allowed = f"{name} once" if most == 1 else f"{name} at most {most} times"
            raise BadParameter(name, f"{name} is repeated", allowed)
    return tuple(pairs)


def _parsed(name: str, value: str, parameter: Parameter) -> Any:
    try:
        return parameter.parse(value)
    except ValueError as error:
        raise BadParameter(name, f"{name} cannot be {value[:64]!r}", parameter.allowed) from error


def one_of(names: tuple[str, ...]) -> Parameter:
    """Return a parameter that accepts one of `names`."""
    return Parameter(", ".join(names), _matching("|".join(names)))


def _matching(pattern: str) -> Callable[[str], str]:
    compiled = re.compile(pattern)

    def parse(value: str) -> str:
        if not compiled.fullmatch(value):
            raise ValueError(value)
        return value

    return parse


def _integer(minimum: int, maximum: int) -> Parameter:
    def parse(value: str) -> int:
        # int() also accepts signs, spaces, underscores and digits of other scripts.
        if not re.fullmatch("[0-9]{1,9}", value) or not minimum <= int(value) <= maximum:
            raise ValueError(value)
        return int(value)

    return Parameter(f"a whole number from {minimum} to {maximum}", parse)


def _duration(value: str) -> timedelta:
    match = re.fullmatch("([1-9][0-9]{0,3})([hd])", value)
    if match is None:
        raise ValueError(value)
    number = int(match[1])
    return timedelta(hours=number) if match[2] == "h" else timedelta(days=number)


def _half_life(value: str) -> timedelta | None:
    return None if value == "none" else _duration(value)


def _search(value: str) -> str | None:
    # Titles are in composed form (NFC): a decomposed й would not match.
    words = unicodedata.normalize("NFC", value).split()
    if len(value) > 100 or re.search("[\x00-\x1f\x7f]", value):
        raise ValueError(value)
    # An empty form field means no search.
    return " ".join(words) or None


def _timestamp(value: str) -> datetime:
    # A plus that is not percent-encoded arrives as a space.
    if not _RFC3339.fullmatch(value.replace(" ", "+")):
        raise ValueError(value)
    timestamp = datetime.fromisoformat(value.replace(" ", "+")).astimezone(UTC)
    if not 1970 <= timestamp.year < 2100:
        raise ValueError(value)
    return timestamp


def _floor(timestamp: datetime, grain: SeriesGrain) -> datetime:
    minute = timestamp.replace(second=0, microsecond=0)
    return minute if grain == "minute" else minute.replace(minute=0)


ARTICLE_ID = Parameter("the id of an article, 1 to 128 characters", article_ids.clean)
_FLAG = Parameter("0 or 1", lambda value: _matching("[01]")(value) == "1")

PARAMETERS = {
    "site": Parameter("1 to 64 of A-Z a-z 0-9 . _ -", _matching("[A-Za-z0-9._-]{1,64}")),
    "window": one_of(windows.NAMES),
    "by": one_of(get_args(By)),
    "limit": _integer(1, 100),
    "offset": _integer(0, MAX_OFFSET),
    "section": Parameter("1 to 100 characters", _matching("[^\x00-\x1f\x7f]{1,100}"), most=20),
    "language": Parameter(
        "a language tag (BCP 47), for example kk, ru or en-GB",
        _matching("(?=.{1,35}$)[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*"),
        most=20,
    ),
    "exclude": ARTICLE_ID._replace(most=MAX_EXCLUDED),
    "published_within": Parameter("hours or days, for example 6h or 7d", _duration),
    "tz": Parameter("the name of an IANA time zone, for example Asia/Almaty", zone_name),
    "half_life": Parameter("hours or days, for example 6h or 2d, or none", _half_life),
    "quarantined": _FLAG,
    "undescribed": _FLAG,
    "explain": _FLAG,
    "cursor": Parameter(
        "* for the first page, then the next_cursor of the previous page",
        _matching(r"\*|[A-Za-z0-9_-]{1,64}\.[0-9]{1,5}"),
    ),
    "q": Parameter("words of a title or an id, at most 100 characters", _search),
}

# These name a list; the others concern the form of the response.
_NOT_IN_EVERY_LIST = {"undescribed", "explain", "cursor", "q"}
LIST = {name: PARAMETERS[name] for name in PARAMETERS if name not in _NOT_IN_EVERY_LIST}
STREAM = {**LIST, "explain": PARAMETERS["explain"]}
LANG = one_of(get_args(Lang))
_PAGE = {name: LIST[name] for name in LIST if name != "exclude"}
PAGE = {**_PAGE, "q": PARAMETERS["q"], "lang": LANG}
EMBED = {**LIST, "lang": LANG, "counts": one_of(("0", "1", "total"))}

# The language of a stream does not depend on a header.
LIVE = {**_PAGE, "lang": LANG}

_PRESENTATION = {"lang", "counts"}
_SERIES = {
    "site": PARAMETERS["site"],
    "grain": one_of(get_args(SeriesGrain)),
    "from": Parameter("an RFC 3339 time, for example 2026-11-23T14:00:00Z", _timestamp),
    "to": Parameter("an RFC 3339 time, for example 2026-11-23T14:00:00Z", _timestamp),
}
_COUNTS = {
    "id": ARTICLE_ID._replace(most=MAX_COUNTED),
    **{name: PARAMETERS[name] for name in ("site", "window", "tz")},
}
_LOG = {
    "site": PARAMETERS["site"],
    "limit": PARAMETERS["limit"],
    "before": Parameter(
        "the id of a decision in a log", lambda value: int(_matching("[0-9]{1,19}")(value))
    ),
}
