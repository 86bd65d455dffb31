"""Parse query strings into queries, and reject invalid parameters by name."""

from mostread.ranking.api.params.articles import (
    DECISIONS,
    article_id,
    counts_query,
    decisions_query,
    log_query,
    placement,
    site_only,
)
from mostread.ranking.api.params.lists import (
    EMBED,
    LANG,
    LIVE,
    MAX_OFFSET,
    PAGE,
    PARAMETERS,
    STREAM,
    list_query,
    live_pages,
)
from mostread.ranking.api.params.series import RETENTION, series_query
from mostread.ranking.api.params.sites import site_series_query, totals_query
from mostread.ranking.api.params.values import one_of, parse

__all__ = [
    "DECISIONS",
    "EMBED",
    "LANG",
    "LIVE",
    "MAX_OFFSET",
    "PAGE",
    "PARAMETERS",
    "RETENTION",
    "STREAM",
    "article_id",
    "counts_query",
    "decisions_query",
    "list_query",
    "live_pages",
    "log_query",
    "one_of",
    "parse",
    "placement",
    "series_query",
    "site_only",
    "site_series_query",
    "totals_query",
]
