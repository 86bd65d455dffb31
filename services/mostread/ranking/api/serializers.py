"""The JSON of the answers, as schemas/ranking.openapi.yaml describes it.

Times are RFC 3339 in UTC with milliseconds. What is empty in the store is null.
"""

from dataclasses import dataclass, fields
from datetime import UTC, datetime

import orjson

from mostread.core.ranking.integrity import Integrity
from mostread.core.ranking.scoring import FULL
from mostread.ranking.api.params import ListQuery
from mostread.ranking.config import Weights
from mostread.ranking.repository import Counts, DecisionRow, RankedRow
from mostread.ranking.service.articles import Article
from mostread.ranking.service.lists import Entry, MostRead
from mostread.ranking.service.rank_history import Ranks
from mostread.ranking.service.timeseries import Series


@dataclass(frozen=True, slots=True)
class _Counts:
    views: int
    comments: int
    likes: int


@dataclass(frozen=True, slots=True)
class _Item:
    rank: int
    previous_rank: int | None
    article_id: str
    title: str
    url: str | None
    section: str | None
    pinned: bool
    window: _Counts
    total: _Counts
    score: float
    integrity: Integrity | None


@dataclass(frozen=True, slots=True)
class _Article:
    site: str
    article_id: str
    title: str
    url: str | None
    section: str | None
    language: str | None
    published_at: str | None
    image: str | None
    hidden: bool
    pinned: int | None
    placement: dict[str, object] | None
    total: _Counts
    windows: dict[str, _Counts]
    integrity: Integrity | None
    as_of: str | None
    stale: bool


def most_read_json(listed: MostRead, **more: str | None) -> bytes:
    """Return the body of GET /v1/most-read; `more` are members of it beside the usual ones."""
    window = listed.window
    return orjson.dumps(
        {
            "site": listed.query.site,
            "window": {
                "name": window.name,
                "start": rfc3339(window.start),
                "end": rfc3339(window.end),
            },
            "by": listed.query.by,
            "as_of": rfc3339(listed.as_of) if listed.as_of else None,
            "stale": listed.stale,
            **more,
            "items": _items(listed),
        }
    )


def items_json(listed: MostRead) -> bytes:
    """Return the items of a list alone, which say nothing of the time they were asked for."""
    return orjson.dumps(_items(listed))


def article_json(article: Article) -> bytes:
    """Return the body of GET /v1/articles/{article_id}."""
    about = article.about
    published_at = about.published_at if about else None
    return orjson.dumps(
        _Article(
            site=article.query.site,
            article_id=article.query.article_id,
            title=about.title if about else article.query.article_id,
            url=(about.url or None) if about else None,
            section=(about.section or None) if about else None,
            language=(about.language or None) if about else None,
            published_at=_milliseconds(published_at),
            image=(about.image or None) if about else None,
            hidden=article.standing.hidden,
            pinned=article.standing.pinned,
            placement=decision_json(article.decided) if article.decided else None,
            total=counts_json(article.total or Counts()),
            windows={name: counts_json(counts) for name, counts in article.windows.items()},
            integrity=article.integrity,
            as_of=rfc3339(article.as_of) if article.as_of else None,
            stale=article.stale,
        )
    )


def series_json(series: Series) -> bytes:
    """Return the body of GET /v1/articles/{article_id}/series."""
    query = series.query
    return orjson.dumps(
        {
            "site": query.site,
            "article_id": query.article_id,
            "grain": query.grain,
            "from": rfc3339(query.start),
            "to": rfc3339(query.end),
            "as_of": rfc3339(series.as_of) if series.as_of else None,
            "stale": series.stale,
            "views": [counts.views for counts in series.counts],
            "comments": [counts.comments for counts in series.counts],
            "likes": [counts.likes for counts in series.counts],
        }
    )


def ranks_json(ranks: Ranks) -> bytes:
    """Return the body of GET /v1/articles/{article_id}/ranks."""
    return orjson.dumps(
        {
            "site": ranks.query.site,
            "article_id": ranks.query.article_id,
            "from": rfc3339(ranks.ends[0]),
            "to": rfc3339(ranks.last),
            "as_of": rfc3339(ranks.as_of) if ranks.as_of else None,
            "stale": ranks.stale,
            "ranks": ranks.ranks,
        }
    )


def rfc3339(moment: datetime) -> str:
    """Return 2026-11-23T14:03:05.000Z."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def decision_json(decision: DecisionRow) -> dict[str, object]:
    """Return what was decided, and when; null is what nothing was said of."""
    return {
        "decided_at": _milliseconds(decision.decided_at),
        "hidden": decision.hidden,
        "pinned": decision.pinned,
        "embargo_until": _milliseconds(decision.embargo_until),
        "expires_at": _milliseconds(decision.expires_at),
        "approved": decision.approved,
        "until": _milliseconds(decision.until),
    }


def _milliseconds(since_epoch: int | None) -> str | None:
    if since_epoch is None:
        return None
    return rfc3339(datetime.fromtimestamp(since_epoch / 1000, UTC))


def _items(listed: MostRead) -> list[_Item | dict[str, object]]:
    return [_item(entry, listed) for entry in listed.entries]


def _item(entry: Entry, listed: MostRead) -> _Item | dict[str, object]:
    about = entry.about
    item = _Item(
        rank=entry.rank,
        previous_rank=entry.previous_rank,
        article_id=entry.article_id,
        title=about.title if about else entry.article_id,
        url=(about.url or None) if about else None,
        section=(about.section or None) if about else None,
        pinned=entry.pinned,
        window=counts_json(entry.window),
        total=counts_json(entry.total),
        score=entry.score(listed.query.by),
        integrity=entry.integrity,
    )
    if not listed.query.explain:
        return item
    explained: dict[str, object] = {name.name: getattr(item, name.name) for name in fields(item)}
    explained["explain"] = explanation(entry.row, listed.query, listed.weights)
    return explained


def counts_json(counts: Counts) -> _Counts:
    """Return counts as orjson writes them."""
    return _Counts(counts.views, counts.comments, counts.likes)


def explanation(row: RankedRow, query: ListQuery, weights: Weights) -> dict[str, object]:
    """Return what is said of an item with `explain=1`; engagement/score.py has the formulas."""
    if query.by == "trending":
        return {
            "seen": row.views,
            "expected": row.expected,
            "day_before": row.base_views,
            "hours_before": row.hours,
            "at_least_times": 2**row.ranked,
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
