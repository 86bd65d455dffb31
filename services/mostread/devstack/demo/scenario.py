"""What readers did before the demo was loaded: a pure function of the moment it was.

So the same moment always gives the same events, ids and all. A load that was broken off can
be sent again, and what any window must hold can be worked out on any later day.
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


class Counts(msgspec.Struct, frozen=True):
    """Views, comments and likes."""

    views: int = 0
    comments: int = 0
    likes: int = 0


class Article(msgspec.Struct, frozen=True, kw_only=True):
    """What a CMS knows of an article."""

    article_id: str
    title: str
    url: str
    section: str
    language: str
    published_hours_before: int

    def description(self, at_ms: int) -> dict[str, str | int]:
        """Return the body that tells the collector about it in a demo loaded at `at_ms`."""
        return {
            "title": self.title,
            "url": self.url,
            "section": self.section,
            "language": self.language,
            "published_at": at_ms - self.published_hours_before * HOUR_MS,
        }


class CountedArticle(Article, frozen=True, kw_only=True):
    """An article whose numbers are known: `recent` of its `total` fall into the last day.

    `interest_halves_hours` says after how many hours half as many read it as before. Of one
    that is `pushed_by` somebody, so few visitors view it again and again.
    """

    total: Counts
    recent: Counts
    interest_halves_hours: float
    pushed_by: int = 0


class Articles(msgspec.Struct, frozen=True):
    """`counted` in the order of the list that they must give; `further` are read live."""

    counted: list[CountedArticle]
    further: list[Article]


def articles() -> Articles:
    """Read the articles of the demo."""
    return msgspec.json.decode(
        Path(__file__).with_name("articles.json").read_bytes(), type=Articles
    )


RECENT_HOURS = 23
"""Recent events lie in these hours, so that for an hour they are all in the last 24."""
LATE_HOURS = 25
"""Older events lie at least so far back: they come too late for any window."""

_MINUTE_MS = 60_000
_MINUTES = RECENT_HOURS * 60
_ZONE_HOURS = 5  # Kazakhstan is five hours ahead of UTC
# How many read in each hour of the day: few at night, most at lunch and in the evening.
_BY_HOUR = (5, 3, 2, 2, 2, 4, 9, 16, 22, 24, 23, 24, 28, 27, 24, 22, 22, 24, 27, 29, 30, 28, 20, 11)
_TOWN = 60_000
"""So many people read the paper, each an article seldom more than once."""
_PUSHED = 0.7
"""The part of its views that a pushed article owes to those who push it."""
_FIELDS: dict[EventType, str] = {"view": "views", "comment": "comments", "like": "likes"}


def events(articles: Iterable[CountedArticle], at_ms: int) -> list[Event]:
    """Return all events of a demo loaded at `at_ms`, the oldest first."""
    every = (event for article in articles for event in _of(article, at_ms))
    return sorted(every, key=_when)


def counted(planned: Iterable[Event], start_ms: int, end_ms: int) -> dict[str, Counts]:
    """Return what a window must hold, by article; `start_ms` inclusive, `end_ms` exclusive.

    For windows of a day at most: a longer one reaches the late events, which count in none.
    """
    found: dict[str, dict[str, int]] = {}
    for event in planned:
        if start_ms <= _when(event) < end_ms:
            numbers = found.setdefault(event.article_id, dict.fromkeys(_FIELDS.values(), 0))
            numbers[_FIELDS[event.type]] += 1
    return {article_id: Counts(**numbers) for article_id, numbers in found.items()}


def loaded_at(article: CountedArticle, published_at_ms: int) -> int:
    """Return when a demo was loaded, given what it said of an article."""
    return published_at_ms + article.published_hours_before * HOUR_MS


def _of(article: CountedArticle, at_ms: int) -> Iterator[Event]:
    by_chance = random.Random(article.article_id)  # noqa: S311  readers, not secrets
    visitors = _visitors(article)
    minutes = list(accumulate(_readers(article, at_ms)))
    for kind, field in _FIELDS.items():
        recent, total = getattr(article.recent, field), getattr(article.total, field)
        ages = by_chance.choices(range(_MINUTES), cum_weights=minutes, k=recent)
        # One millisecond at least: an event is never ahead of the moment it is sent.
        times = [at_ms - age * _MINUTE_MS - by_chance.randrange(1, _MINUTE_MS) for age in ages]
        times += _older(article, at_ms, total - recent, by_chance)
        for number, time in enumerate(times):
            name = f"demo-{article.article_id}-{kind}-{number}"
            yield Event(kind, article.article_id, name, SITE, time, next(visitors))


def _visitors(article: CountedArticle) -> Iterator[str]:
    """Yield who views an article, without end.

    They have to be named: all of the demo comes from one address, so they would be one visitor.
    """
    by_chance = random.Random(f"visitors of {article.article_id}")  # noqa: S311
    while True:
        if article.pushed_by and by_chance.random() < _PUSHED:
            yield f"pusher-{by_chance.randrange(article.pushed_by)}"
        else:
            yield f"reader-{by_chance.randrange(_TOWN)}"


def _readers(article: CountedArticle, at_ms: int) -> Sequence[float]:
    """Return how many read an article in each minute before `at_ms`, in no unit; newest first."""
    local = at_ms // _MINUTE_MS + _ZONE_HOURS * 60
    published = article.published_hours_before * 60
    fading = math.log(2) / (article.interest_halves_hours * 60)
    return [
        _BY_HOUR[(local - age) // 60 % 24] * math.exp(-fading * (published - age))
        for age in range(_MINUTES)
    ]


def _older(
    article: CountedArticle, at_ms: int, count: int, by_chance: random.Random
) -> Iterator[int]:
    published, late = article.published_hours_before * HOUR_MS, LATE_HOURS * HOUR_MS
    for _ in range(count):
        yield at_ms - by_chance.randrange(late, published)


def _when(event: Event) -> int:
    assert event.timestamp is not None, "every event of the plan has a time"  # noqa: S101
    return event.timestamp
