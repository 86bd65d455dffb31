"""`mostread canary`."""

import asyncio
import time
from contextlib import suppress

import aiohttp
import click
import uvloop

from mostread.errors import Misconfigured
from mostread.infra.http.server import listen, new_application, new_registry, stop_signal
from mostread.infra.logging import configure_logging, get_logger
from mostread.ops.canary.config import CanarySettings
from mostread.ops.canary.metrics import CanaryMetrics
from mostread.ops.canary.probe import FailedError, Way

log = get_logger(__name__)

_REQUEST_SECONDS = 15.0


@click.command()
def canary() -> None:
    """Send an event a minute, and measure when it is in the list.

    It counts for a site of its own, and needs a token of the role emit.
    """
    settings = CanarySettings()
    if not settings.canary_token.get_secret_value():
        raise Misconfigured(
            "the canary needs a token: `mostread token create canary --role emit` prints one for "
            "MOSTREAD_CANARY_TOKEN"
        )
    configure_logging("canary", settings.log_level)
    uvloop.run(_run(settings))


async def _run(settings: CanarySettings) -> None:
    stop = stop_signal()
    registry = new_registry()
    timeout = aiohttp.ClientTimeout(total=_REQUEST_SECONDS)
    async with aiohttp.ClientSession(timeout=timeout) as http:
        flights = Flights(settings, Way(settings, http), CanaryMetrics(registry))

        async def way() -> str | None:
            return flights.failure

        listening = await listen(
            new_application(checks={"way": way}, registry=registry),
            settings.canary_host,
            settings.canary_port,
            "MOSTREAD_CANARY_PORT",
            settings,
        )
        flying = asyncio.create_task(flights.go_on())
        stopped = asyncio.create_task(stop.wait())
        try:
            done, _ = await asyncio.wait({flying, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if flying in done:
                flying.result()  # raises what nobody expected
        finally:
            for task in (flying, stopped):
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
            await listening.cleanup()
            log.info("stopped")


class Flights:
    """One event after another; `failure` is why the latest did not come through."""

    def __init__(self, settings: CanarySettings, way: Way, metrics: CanaryMetrics) -> None:
        self.failure: str | None = "the first event is on its way"
        self._interval = settings.canary_interval_seconds
        self._way = way
        self._metrics = metrics
        metrics.succeeded_at.set_to_current_time()

    async def go_on(self) -> None:
        """Send one every `canary_interval_seconds`, for ever."""
        while True:
            began = time.monotonic()
            await self._one()
            await asyncio.sleep(max(0.0, began + self._interval - time.monotonic()))

    async def _one(self) -> None:
        try:
            seconds = await self._way.walk()
        except FailedError as error:
            self.failure = str(error)
            self._metrics.failures[error.reason].inc()
            log.warning("canary_failed", reason=error.reason, error=self.failure)
            return
        if self.failure is not None:
            log.info("canary_succeeded", seconds=round(seconds, 3))
        self.failure = None
        self._metrics.visible.observe(seconds)
        self._metrics.latest.set(seconds)
        self._metrics.succeeded_at.set_to_current_time()
