"""What simulated readers do: a few articles are read by most, and few readers do more than read."""

import asyncio
import random
import uuid
from collections.abc import AsyncIterator, Iterator, Sequence
from itertools import accumulate

from mostread.core.events import Event, EventType
from mostread.infra import clock

TYPES: tuple[EventType, ...] = ("view", "like", "comment")
TYPE_WEIGHTS = (93, 5, 2)
BATCH_SIZES = (1, 2, 3, 5, 8)
BATCH_WEIGHTS = (80, 10, 5, 3, 2)
ZIPF_EXPONENT = 1.1
READERS = 100_000


class Traffic:
    """A source of events that repeats for the same `seed`, but for their ids and times.

    Ids are `<run>-<number>`; `run` is random unless given, so that two runs never share one.
    """

    def __init__(
        self,
        articles: Sequence[str],
        *,
        site: str = "default",
        seed: int | None = None,
        run: str | None = None,
    ) -> None:
        self._random = random.Random(seed)  # noqa: S311  readers, not secrets
        self._articles = self._random.sample(articles, len(articles))
        self._weights = list(
            accumulate(1 / rank**ZIPF_EXPONENT for rank in range(1, len(articles) + 1))
        )
        self._site = site
        self._run = run or uuid.uuid4().hex[:12]
        self._sent = 0

    def gap(self, rate: float) -> float:
        """Return the seconds to the next reader where `rate` a second come by chance."""
        return self._random.expovariate(rate)

    def events(self, count: int, now_ms: int) -> list[Event]:
        """Return what `count` readers do at `now_ms`."""
        articles = self._random.choices(self._articles, cum_weights=self._weights, k=count)
        types = self._random.choices(TYPES, TYPE_WEIGHTS, k=count)
        return [self._event(*pair, now_ms) for pair in zip(types, articles, strict=True)]

    def batch(self, now_ms: int) -> list[Event]:
        """Return what one browser sends at once: mostly a single event."""
        (count,) = self._random.choices(BATCH_SIZES, BATCH_WEIGHTS)
        return self.events(count, now_ms)

    def _event(self, kind: EventType, article_id: str, now_ms: int) -> Event:
        self._sent += 1
        return Event(
            type=kind,
            article_id=article_id,
            id=f"{self._run}-{self._sent}",
            site=self._site,
            timestamp=now_ms,
            visitor=f"reader-{self._random.randrange(READERS)}",
        )


def article_ids(count: int) -> list[str]:
    """Return the names of the articles that simulated readers read."""
    return list(_names(count))


def _names(count: int) -> Iterator[str]:
    for number in range(1, count + 1):
        yield f"article-{number:05}"


async def paced(traffic: Traffic, rate: float) -> AsyncIterator[list[Event]]:
    """Yield batches without end, `rate` events a second on average, whatever becomes of them.

    The schedule does not wait for whoever takes them: a late batch is followed by the next at
    once, until the schedule is caught up with.
    """
    loop = asyncio.get_running_loop()
    due = loop.time()
    while True:
        await asyncio.sleep(max(0, due - loop.time()))
        batch = traffic.batch(clock.now_ms())
        yield batch
        due += sum(traffic.gap(rate) for _ in batch)
