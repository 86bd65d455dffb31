"""Error codes with which brokers answer fetches of single partitions.

aiokafka logs most of them without naming the partition, and fetches again at once: a few hundred
requests and lines per second, while the consumer returns nothing and raises nothing.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import for_code

BACKOFF_SECONDS = 0.1
"""Pause after a response with an error, as aiokafka itself makes after a failed request."""

REFUSED_SECONDS = 10.0
"""Time after which an error counts as lasting: a new leader would have answered."""

LOG_SECONDS = 60.0
"""Time in which a message of aiokafka about a fetch is logged once."""

_FETCH_KEY = 1


class FetchError(NamedTuple):
    """An error with which fetches are answered, since a time of time.monotonic()."""

    name: str
    since: float


class FetchErrors(dict[TopicPartition, FetchError]):
    """The error of the last fetch of each partition, without those that succeeded."""

    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        """Observe the responses to `consumer`."""
        super().__init__()
        client = consumer._client
        self._send: Callable[..., Awaitable[Any]] = client.send
        client.send = self._observe
        _limit_log()

    async def _observe(self, node_id: int, request: Any, **options: Any) -> Any:
        response = await self._send(node_id, request, **options)
        if getattr(response, "API_KEY", None) != _FETCH_KEY:
            return response
        failed = False
        for topic, partitions in response.topics:
            for partition, code, *_ in partitions:
                tp = TopicPartition(topic, partition)
                if code:
                    since = self[tp].since if tp in self else time.monotonic()
                    self[tp] = FetchError(for_code(code).__name__, since)
                    failed = True
                else:
                    self.pop(tp, None)
        if failed:
            await asyncio.sleep(BACKOFF_SECONDS)
        return response


class _OncePerMinute(logging.Filter):
    """Passes each message once within LOG_SECONDS."""

    def __init__(self) -> None:
        super().__init__()
        self._logged: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        message, now = record.getMessage(), time.monotonic()
        self._logged = {m: at for m, at in self._logged.items() if now - at < LOG_SECONDS}
        if message in self._logged:
            return False
        self._logged[message] = now
        return True


_FILTER = _OncePerMinute()


def _limit_log() -> None:
    logging.getLogger("aiokafka.consumer.fetcher").addFilter(_FILTER)
