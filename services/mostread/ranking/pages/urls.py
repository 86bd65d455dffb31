"""URLs of pages and of the API, relative to the root of the service."""

from collections.abc import Sequence
from urllib.parse import quote, urlencode

from mostread.ranking.queries import ListQuery


def list_params(query: ListQuery, **changes: str | Sequence[str] | None) -> str:
    """Return the query string of a list with changes, without empty values."""
    parameters: dict[str, list[str]] = {}
    for name, value in query.written:
        parameters.setdefault(name, []).append(value)
    for name, change in changes.items():
        parameters[name] = [change] if isinstance(change, str) else list(change or ())
    pairs = [(name, value) for name, values in parameters.items() for value in values if value]
    return "?" + urlencode(pairs)


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


def decision_log(article_id: str, **parameters: str) -> str:
    """Return the URL of the decision log, from the article page."""
    return f"{quote(article_id, safe='')}/decisions?{urlencode(parameters)}"


def series_api(article_id: str) -> str:
    """Return the URL of the time series API, from the article page."""
    return f"../v1/articles/{quote(article_id, safe='')}/series"
