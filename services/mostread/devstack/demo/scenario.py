"""The demo's articles and events: a pure function of the time of the load.

The same time gives the same events and ids, so that an interrupted load can be repeated and the
counts of any window computed on any later day.
"""

import math
import random
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from pathlib import Path

import msgspec

from mostread.core.events import Event, EventType

SITE = "default"
HOUR_MS = 3_600_000


class DemoCounts(msgspec.Struct, frozen=True):
    """Views, comments and likes."""

    views: int = 0
    comments: int = 0
    likes: int = 0


class DemoArticle(msgspec.Struct, frozen=True, kw_only=True):
    """An article as a CMS describes it."""

    article_id: str
    title: str
    url: str
    section: str
    language: str
    published_hours_before: int

    def description(self, at_ms: int) -> dict[str, str | int]:
        """Return the collector's request body for a demo loaded at `at_ms`."""
        return {
            "title": self.title,
            "url": self.url,
            "section": self.section,
            "language": self.language,
            "published_at": at_ms - self.published_hours_before * HOUR_MS,
        }


class CountedArticle(DemoArticle, frozen=True, kw_only=True):
    """An article with known counts: `recent` of its `total` fall into the last day.

    `interest_halves_hours` is the half-life of its readership. An article that is `pushed_by` a
    few visitors owes most of its views to them.
    """

    total: DemoCounts
    recent: DemoCounts
    interest_halves_hours: float
    pushed_by: int = 0


class DemoArticles(msgspec.Struct, frozen=True):
    """`counted` in the order of the expected list; `further` for simulated readers."""

    counted: list[CountedArticle]
    further: list[DemoArticle]


def load_articles() -> DemoArticles:
    """Return the articles of articles.json."""
    return msgspec.json.decode(
        Path(__file__).with_name("articles.json").read_bytes(), type=DemoArticles
    )


RECENT_HOURS = 23
"""Age of recent events at most, so that for an hour all are within the last 24."""
LATE_HOURS = 25
"""Age of older events at least: beyond the allowed lateness of any window."""

_MINUTE_MS = 60_000
_MINUTES = RECENT_HOURS * 60
_ZONE_HOURS = 5  # Kazakhstan is five hours ahead of UTC
# Readers by hour of the day: few at night, most at lunch and in the evening.
_BY_HOUR = (5, 3, 2, 2, 2, 4, 9, 16, 22, 24, 23, 24, 28, 27, 24, 22, 22, 24, 27, 29, 30, 28, 20, 11)
_TOWN = 60_000
"""Readers of the newspaper; few read an article more than once."""
_PUSHED = 0.7
"""Share of the views of a pushed article that come from those who push it."""
_FIELDS: dict[EventType, str] = {"view": "views", "comment": "comments", "like": "likes"}


def events(articles: Iterable[CountedArticle], at_ms: int) -> list[Event]:
    """Return all events of a demo loaded at `at_ms`, oldest first."""
    all_events = (event for article in articles for event in _events_of(article, at_ms))
    return sorted(all_events, key=_time)


def counted(events: Iterable[Event], start_ms: int, end_ms: int) -> dict[str, DemoCounts]:
    """Return the counts of a window by article; `start_ms` inclusive, `end_ms` exclusive.

    Windows of at most a day: a longer one would include the late events, which no window counts.
    """
    counts: dict[str, dict[str, int]] = {}
    for event in events:
        if start_ms <= _time(event) < end_ms:
            numbers = counts.setdefault(event.article_id, dict.fromkeys(_FIELDS.values(), 0))
            numbers[_FIELDS[event.type]] += 1
    return {article_id: DemoCounts(**numbers) for article_id, numbers in counts.items()}


def loaded_at(article: CountedArticle, published_at_ms: int) -> int:
    """Return the time of the load from the publication time of an article."""
    return published_at_ms + article.published_hours_before * HOUR_MS


def _events_of(article: CountedArticle, at_ms: int) -> Iterator[Event]:
    rng = random.Random(article.article_id)  # noqa: S311  readers, not secrets
    visitors = _visitors(article)
    minutes = list(accumulate(_readers(article, at_ms)))
    for kind, field in _FIELDS.items():
        recent, total = getattr(article.recent, field), getattr(article.total, field)
        ages = rng.choices(range(_MINUTES), cum_weights=minutes, k=recent)
        # One millisecond at least: no event is newer than the load.
        times = [at_ms - age * _MINUTE_MS - rng.randrange(1, _MINUTE_MS) for age in ages]
        times += _older(article, at_ms, total - recent, rng)
        for number, time in enumerate(times):
            name = f"demo-{article.article_id}-{kind}-{number}"
            yield Event(kind, article.article_id, name, SITE, time, next(visitors))


def _visitors(article: CountedArticle) -> Iterator[str]:
    """Yield the visitors of an article, endlessly.

    They are named explicitly: all of the demo comes from one address, thus from one visitor.
    """
    rng = random.Random(f"visitors of {article.article_id}")  # noqa: S311
    while True:
        if article.pushed_by and rng.random() < _PUSHED:
            yield f"pusher-{rng.randrange(article.pushed_by)}"
        else:
            yield f"reader-{rng.randrange(_TOWN)}"


def _readers(article: CountedArticle, at_ms: int) -> Sequence[float]:
    """Return the relative readership per minute before `at_ms`, newest first."""
    local = at_ms // _MINUTE_MS + _ZONE_HOURS * 60
    published = article.published_hours_before * 60
    fading = math.log(2) / (article.interest_halves_hours * 60)
    return [
        _BY_HOUR[(local - age) // 60 % 24] * math.exp(-fading * (published - age))
        for age in range(_MINUTES)
    ]


def _older(article: CountedArticle, at_ms: int, count: int, rng: random.Random) -> Iterator[int]:
    published, late = article.published_hours_before * HOUR_MS, LATE_HOURS * HOUR_MS
    for _ in range(count):
        yield at_ms - rng.randrange(late, published)


def _time(event: Event) -> int:
    assert event.timestamp is not None, "every event of the demo has a timestamp"  # noqa: S101
    return event.timestamp
