"""Metrics that are asked for elsewhere when somebody reads them."""

import asyncio
from collections.abc import Awaitable, Callable

from prometheus_client import CollectorRegistry

from mostread.infra import logging as logs

ANSWER_SECONDS = 2.0

log = logs.get(__name__)


class Measured:
    """A registry; before it is read `ask` brings some of its metrics up to date.

    Where that takes long what was known stands, and the next who reads waits for the same
    question: a server that hangs is asked once.
    """

    def __init__(self, registry: CollectorRegistry, ask: Callable[[], Awaitable[None]]) -> None:
        self._registry = registry
        self._ask = ask
        self._asking: asyncio.Task[None] | None = None

    async def __call__(self) -> CollectorRegistry:
        """Return the registry within seconds, whoever is away."""
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._measure())
        await asyncio.wait({self._asking}, timeout=ANSWER_SECONDS)
        return self._registry

    async def close(self) -> None:
        """Ask no more."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.wait({self._asking})

    async def _measure(self) -> None:
        try:
            await self._ask()
        except Exception:
            # The other metrics are still worth reading.
            log.exception("measuring_failed")
