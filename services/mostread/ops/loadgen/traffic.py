"""Simulated reader behaviour: a few articles get most views, and few readers interact."""

import asyncio
import random
import uuid
from collections.abc import AsyncIterator, Sequence
from itertools import accumulate

from mostread.core.events import Event, EventType
from mostread.infra import clock

TYPES: tuple[EventType, ...] = ("view", "like", "comment")
TYPE_WEIGHTS = (93, 5, 2)
BATCH_SIZES = (1, 2, 3, 5, 8)
BATCH_WEIGHTS = (80, 10, 5, 3, 2)
ZIPF_EXPONENT = 1.1
READERS = 100_000


class SimulatedTraffic:
    """A source of events that is repeatable by `seed`, except for ids and timestamps.

    Ids are `<run>-<number>`; `run` is random unless given, so that runs never share ids.
    """

    def __init__(
        self,
        articles: Sequence[str],
        *,
        site: str = "default",
        seed: int | None = None,
        run: str | None = None,
    ) -> None:
        self._random = random.Random(seed)  # noqa: S311  not used for secrets
        self._articles = self._random.sample(articles, len(articles))
        self._weights = list(
            accumulate(1 / rank**ZIPF_EXPONENT for rank in range(1, len(articles) + 1))
        )
        self._site = site
        self._run = run or uuid.uuid4().hex[:12]
        self._sent = 0

    def gap(self, rate: float) -> float:
        """Return random seconds to the next reader, at `rate` per second on average."""
        return self._random.expovariate(rate)

    def events(self, count: int, now_ms: int) -> list[Event]:
        """Return events of `count` readers at `now_ms`."""
        articles = self._random.choices(self._articles, cum_weights=self._weights, k=count)
        types = self._random.choices(TYPES, TYPE_WEIGHTS, k=count)
        return [
            self._event(kind, article, now_ms)
            for kind, article in zip(types, articles, strict=True)
        ]

    def batch(self, now_ms: int) -> list[Event]:
        """Return the events of one request: mostly a single one."""
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
    """Return the ids of `count` simulated articles."""
    return [f"article-{number:05}" for number in range(1, count + 1)]


async def paced(traffic: SimulatedTraffic, rate: float) -> AsyncIterator[list[Event]]:
    """Yield batches forever, at `rate` events per second on average.

    The schedule does not slow down for its consumer: after a delay, overdue batches follow
    immediately.
    """
    loop = asyncio.get_running_loop()
    due = loop.time()
    while True:
        await asyncio.sleep(max(0, due - loop.time()))
        batch = traffic.batch(clock.now_ms())
        yield batch
        due += sum(traffic.gap(rate) for _ in batch)
