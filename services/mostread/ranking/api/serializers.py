"""JSON documents of the API, as schemas/ranking.openapi.yaml describes them.

Times are RFC 3339 in UTC with milliseconds. Empty strings of the tables become null.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

import msgspec

from mostread.core.ranking.query_plan import FULL
from mostread.core.ranking.windows import CALENDAR, RANGE, Window
from mostread.ranking.config import Weights
from mostread.ranking.decisions_repository import DecisionRow, ExclusionRow
from mostread.ranking.queries import ListQuery
from mostread.ranking.repository import Counts, Metadata, RankedRow
from mostread.ranking.service.articles import ArticleDetails
from mostread.ranking.service.counts import ArticleCounts
from mostread.ranking.service.lists import Entry, RankedList
from mostread.ranking.service.placement_log import LogEntry, PlacementLog, undo
from mostread.ranking.service.rank_history import RankHistory
from mostread.ranking.service.timeseries import TimeSeries
from mostread.ranking.steps import LENGTHS

encode = msgspec.json.encode

Document = dict[str, object]


def content(document: Mapping[str, object]) -> bytes:
    """Return what identifies the content of a document.

    Without `as_of` and the bounds of a sliding window, which change although nothing happens, and
    without the number of articles that are not in a list.
    """
    kept = {**document, "as_of": None, "undescribed": None}
    window = document.get("window")
    if isinstance(window, dict) and window["name"] not in CALENDAR:
        # A range without an end ends with the current minute.
        kept["window"] = {**window, "end": None} if window["name"] == RANGE else window["name"]
    compare = document.get("compare")
    if isinstance(compare, dict):
        kept["compare"] = compare["name"]
    return encode(kept)


def ranked_list(ranked: RankedList) -> Document:
    """Return the document of GET /v1/most-read."""
    return {**_list_head(ranked), "items": list_items(ranked)}


def cursor_page(ranked: RankedList, next_cursor: str | None) -> Document:
    """Return the document of GET /v1/most-read with a cursor."""
    return {**_list_head(ranked), "next_cursor": next_cursor, "items": list_items(ranked)}


def article_counts(counted: ArticleCounts) -> Document:
    """Return the document of GET /v1/counts."""
    return {
        "site": counted.query.site,
        "window": window_bounds(counted.window),
        "as_of": rfc3339_or_none(counted.as_of),
        "stale": counted.stale,
        "counts": counted.counts,
    }


def article(details: ArticleDetails) -> Document:
    """Return the document of GET /v1/articles/{article_id}."""
    metadata = details.metadata
    return {
        "site": details.query.site,
        "article_id": details.query.article_id,
        "title": metadata.title if metadata else details.query.article_id,
        **_described(metadata),
        "former_ids": details.former,
        "described": metadata is not None,
        "pinned": details.standing.pinned,
        "total": details.total or Counts(),
        "windows": details.windows,
        "integrity": details.integrity,
        "as_of": rfc3339_or_none(details.as_of),
        "stale": details.stale,
    }


def article_for_editors(details: ArticleDetails) -> Document:
    """Return the document of GET /v1/articles/{article_id} for an editor."""
    return {
        **article(details),
        "withheld": details.standing.withheld,
        "placement": _decision(details.decision) if details.decision else None,
    }


def time_series(series: TimeSeries) -> Document:
    """Return the document of GET /v1/articles/{article_id}/series."""
    query = series.query
    return {
        "site": query.site,
        "article_id": query.article_id,
        "grain": query.grain,
        "from": rfc3339(query.start),
        "to": rfc3339(query.end),
        "as_of": rfc3339_or_none(series.as_of),
        "stale": series.stale,
        "views": [counts.views for counts in series.counts],
        "comments": [counts.comments for counts in series.counts],
        "likes": [counts.likes for counts in series.counts],
        "complete": [n < series.complete for n in range(len(series.counts))],
    }


def series_steps(series: TimeSeries) -> list[Document]:
    """Return the steps of a time series one by one."""
    step = LENGTHS[series.query.grain]
    return [
        {
            "start": rfc3339(series.query.start + n * step),
            "views": counts.views,
            "comments": counts.comments,
            "likes": counts.likes,
            "complete": n < series.complete,
        }
        for n, counts in enumerate(series.counts)
    ]


def rank_history(history: RankHistory) -> Document:
    """Return the document of GET /v1/articles/{article_id}/ranks."""
    return {
        "site": history.query.site,
        "article_id": history.query.article_id,
        "from": rfc3339(history.ends[0]),
        "to": rfc3339(history.last),
        "as_of": rfc3339_or_none(history.as_of),
        "stale": history.stale,
        "ranks": history.ranks,
        "lengths": history.lengths,
    }


def placement_log(log: PlacementLog, exclusions: Iterable[ExclusionRow]) -> Document:
    """Return the document of GET /v1/articles/{article_id}/placements."""
    last = log.entries[-1].decision if log.more else None
    return {
        "site": log.query.site,
        "article_id": log.query.article_id,
        "items": [_log_entry(entry) for entry in log.entries],
        "next": str(last.version) if last else None,
        "exclusions": [_exclusion(each) for each in exclusions],
    }


def _exclusion(row: ExclusionRow) -> Document:
    return {
        "id": row.id,
        "action": row.action,
        "from": rfc3339_ms(row.start),
        "to": rfc3339_ms(row.end),
        "whole_site": row.whole_site,
        "one_visitor": row.one_visitor,
        "by": row.by,
        "reason": row.reason,
        "recorded_at": rfc3339_ms(row.recorded_at),
        "applied_at": rfc3339_ms(row.applied_at),
    }


def freshness(ranked: RankedList) -> bytes:
    """Return the data of the event `fresh` of GET /v1/stream."""
    return encode({"as_of": rfc3339_or_none(ranked.as_of), "stale": ranked.stale})


def rfc3339(timestamp: datetime) -> str:
    """Format a time as 2026-11-23T14:03:05.000Z."""
    return timestamp.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def rfc3339_ms(since_epoch: int | None) -> str | None:
    """Format a time in milliseconds since the epoch."""
    if since_epoch is None:
        return None
    return rfc3339(datetime.fromtimestamp(since_epoch / 1000, UTC))


def rfc3339_or_none(timestamp: datetime | None) -> str | None:
    """Format a time that may be unknown."""
    return rfc3339(timestamp) if timestamp else None


def _list_head(ranked: RankedList) -> Document:
    return {
        "site": ranked.query.site,
        "window": window_bounds(ranked.window),
        "compare": window_bounds(ranked.compared) if ranked.compared else None,
        "not_compared": ranked.not_compared,
        "by": ranked.query.by,
        "as_of": rfc3339_or_none(ranked.as_of),
        "stale": ranked.stale,
        "undescribed": ranked.undescribed,
    }


def window_bounds(window: Window) -> Document:
    """Return the name and the bounds of a window."""
    return {
        "name": window.name,
        "start": rfc3339(window.start),
        "end": rfc3339(window.end),
    }


def list_items(ranked: RankedList) -> list[Document]:
    """Return the items of a list."""
    return [_item(entry, ranked) for entry in ranked.entries]


def _described(metadata: Metadata | None) -> Document:
    """Return the description of an article besides its title; what is unknown is null."""
    if metadata is None:
        unknown = dict.fromkeys(("url", "section", "language", "published_at", "image"))
        return {**unknown, "authors": [], "tags": []}
    return {
        "url": metadata.url or None,
        "section": metadata.section or None,
        "language": metadata.language or None,
        "published_at": rfc3339_ms(metadata.published_at),
        "image": metadata.image or None,
        "authors": metadata.authors,
        "tags": metadata.tags,
    }


def _item(entry: Entry, ranked: RankedList) -> Document:
    metadata = entry.metadata
    item: Document = {
        "rank": entry.rank,
        "previous_rank": entry.previous_rank,
        "article_id": entry.article_id,
        "title": entry.title,
        **_described(metadata),
        "pinned": entry.row.pinned,
        "described": entry.metadata is not None,
        "window": entry.window,
        "compared": entry.compared,
        "total": entry.total,
        "score": entry.score(ranked.query.by),
        "integrity": entry.integrity,
    }
    if ranked.query.trending:
        item["trend"] = {
            "observed": entry.row.views,
            "expected": entry.row.expected,
            "ratio": entry.row.views / entry.row.expected,
            "surprise": entry.row.ranked,
        }
    if ranked.query.explain:
        item["explain"] = explanation(entry.row, ranked.query, ranked.weights)
    return item


def explanation(row: RankedRow, query: ListQuery, weights: Weights) -> Document:
    """Return `explain` of an item; core/ranking/query_plan.py and trends.py have the formulas."""
    if query.trending:
        return {
            "typical": row.typical,
            "day_before": row.base_views,
            "exposure": row.exposure,
            "exposure_before": row.exposure_before,
        }
    half_life = query.half_life
    return {
        "half_life_hours": half_life.total_seconds() / 3600 if half_life else None,
        "views": _part(row.base_views, weights.views),
        "comments": _part(row.base_comments, weights.comments),
        "likes": _part(row.base_likes, weights.likes),
    }


def _part(millionths: int, weight: float) -> dict[str, float]:
    # Divided once, as in the query, so that the parts add up to the score.
    return {
        "decayed": millionths / FULL,
        "weight": weight,
        "points": millionths * weight / FULL,
    }


def _decision(decision: DecisionRow) -> Document:
    return {
        "decided_at": rfc3339_ms(decision.decided_at),
        "hidden": decision.hidden,
        "pinned": decision.pinned,
        "pinned_in": decision.pinned_in,
        "embargo_until": rfc3339_ms(decision.embargo_until),
        "expires_at": rfc3339_ms(decision.expires_at),
        "approved": decision.approved,
        "until": rfc3339_ms(decision.until),
    }


def named_decision(decision: DecisionRow) -> Document:
    """Return a decision with its id, its author and the reason."""
    return {
        "id": str(decision.version),
        "by": decision.by or None,
        "reason": decision.reason or None,
        **_decision(decision),
    }


def _log_entry(entry: LogEntry) -> Document:
    decision = entry.decision
    return {
        **named_decision(decision),
        "undoes": str(decision.undoes) if decision.undoes is not None else None,
        "undo": undo(entry),
    }
