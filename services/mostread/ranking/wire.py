"""The JSON of the answers, as schemas/ranking.openapi.yaml describes it.

Times are RFC 3339 in UTC with milliseconds. What is empty in the store is null.
"""

from dataclasses import dataclass, fields
from datetime import UTC, datetime

import orjson

from mostread.ranking.article import Article
from mostread.ranking.explanation import explanation
from mostread.ranking.most_read import Entry, MostRead
from mostread.ranking.store import Counts


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


@dataclass(frozen=True, slots=True)
class _Window:
    name: str
    start: str
    end: str


@dataclass(frozen=True, slots=True)
class _MostRead:
    site: str
    window: _Window
    by: str
    as_of: str | None
    stale: bool
    items: list[_Item | dict[str, object]]


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
    total: _Counts
    windows: dict[str, _Counts]
    as_of: str | None
    stale: bool


def most_read_json(listed: MostRead) -> bytes:
    """Return the body of GET /v1/most-read."""
    window = listed.window
    return orjson.dumps(
        _MostRead(
            site=listed.query.site,
            window=_Window(window.name, rfc3339(window.start), rfc3339(window.end)),
            by=listed.query.by,
            as_of=rfc3339(listed.as_of) if listed.as_of else None,
            stale=listed.stale,
            items=[_item(entry, listed) for entry in listed.entries],
        )
    )


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
            published_at=_milliseconds(published_at) if published_at is not None else None,
            image=(about.image or None) if about else None,
            hidden=about.hidden if about else False,
            pinned=about.pinned if about else None,
            total=_counts(article.total or Counts()),
            windows={name: _counts(counts) for name, counts in article.windows.items()},
            as_of=rfc3339(article.as_of) if article.as_of else None,
            stale=article.stale,
        )
    )


def rfc3339(moment: datetime) -> str:
    """Return 2026-11-23T14:03:05.000Z."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _milliseconds(since_epoch: int) -> str:
    return rfc3339(datetime.fromtimestamp(since_epoch / 1000, UTC))


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
        window=_counts(entry.window),
        total=_counts(entry.total),
        score=entry.score(listed.query.by),
    )
    if not listed.query.explain:
        return item
    explained: dict[str, object] = {name.name: getattr(item, name.name) for name in fields(item)}
    explained["explain"] = explanation(entry.row, listed.query, listed.weights)
    return explained


def _counts(counts: Counts) -> _Counts:
    return _Counts(counts.views, counts.comments, counts.likes)
