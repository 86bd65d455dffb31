"""URLs of pages and of the API, relative to the root of the service."""

from collections.abc import Iterable, Sequence
from urllib.parse import quote, urlencode

from mostread.ranking.api.exports import spreadsheet
from mostread.ranking.pages.chart_range import ChartRange
from mostread.ranking.queries import ListQuery

SHARED = ("site", "tz", "lang")
"""Parameters that all pages have."""


def shared(written: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return the parameters that links to other pages keep."""
    return {name: value for name, value in written if name in SHARED}


def list_params(query: ListQuery, **changes: str | Sequence[str] | None) -> str:
    """Return the query string of a list with changes, without empty values."""
    parameters: dict[str, list[str]] = {}
    for name, value in query.written:
        parameters.setdefault(name, []).append(value)
    for name, change in changes.items():
        parameters[name] = [change] if isinstance(change, str) else list(change or ())
    pairs = [(name, value) for name, values in parameters.items() for value in values if value]
    return "?" + urlencode(pairs)


def list_file(query: ListQuery, lang: str, **away: str) -> str:
    """Return the URL of a list as CSV, in full; `away` is the zone of another place."""
    page_only = dict.fromkeys(("lang", "wall", "turn", "limit", "offset"))
    changes = {**page_only, "compare": query.compare, **spreadsheet(lang), **away}
    return "v1/most-read" + list_params(query, **changes)


def list_page(**parameters: str) -> str:
    """Return the URL of the list page, from a page below it."""
    return "../" + (f"?{urlencode(parameters)}" if parameters else "")


def article_page(article_id: str, **parameters: str | None) -> str | None:
    """Return the URL of an article page, None if no URL can name the article."""
    # Browsers treat these as relative path segments, even percent-encoded.
    if article_id in {".", ".."}:
        return None
    query = urlencode({name: value for name, value in parameters.items() if value is not None})
    return f"articles/{quote(article_id, safe='')}" + (f"?{query}" if query else "")


def renamed(written: Iterable[tuple[str, str]], site: str, article_id: str) -> str | None:
    """Return the URL of an article's page under its present name, from that of a former one."""
    page = article_page(article_id, **{**dict(written), "site": site})
    return page and page.removeprefix("articles/")


def decision_log(article_id: str, **parameters: str) -> str:
    """Return the URL of the decision log, from the article page."""
    return f"{quote(article_id, safe='')}/decisions?{urlencode(parameters)}"


def series_file(article_id: str, site: str, chosen: ChartRange, lang: str) -> str:
    """Return the URL of an article's series as CSV, from its page.

    It has minutes where bins of the chart are shorter than an hour, and else hours.
    """
    grain = "minute" if chosen.step in ("minute", "ten_minutes") else "hour"
    span = {"from": chosen.start.isoformat(), "to": chosen.end.isoformat()}
    query = urlencode({"site": site, "grain": grain, **span, **spreadsheet(lang)})
    return f"../v1/articles/{quote(article_id, safe='')}/series?{query}"
