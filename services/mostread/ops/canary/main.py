"""`mostread canary`."""

import asyncio
import time
from contextlib import suppress

import aiohttp
import click
import uvloop

from mostread.errors import Misconfigured
from mostread.infra.http.application import Application
from mostread.infra.http.connections import Endpoint
from mostread.infra.http.operations import add_operational_routes, new_registry
from mostread.infra.http.server import serving, stop_signal
from mostread.infra.logging import configure_logging, get_logger
from mostread.ops.canary.config import CanarySettings
from mostread.ops.canary.metrics import CanaryMetrics
from mostread.ops.canary.probe import Probe, ProbeError

log = get_logger(__name__)

_REQUEST_SECONDS = 15.0


@click.command()
def canary() -> None:
    """Run the canary: measure end-to-end latency.

    It sends one event per interval and measures the time until a list shows it. Its events belong
    to a separate site. Requires a token with the role emit.
    """
    settings = CanarySettings()
    if not settings.canary_token.get_secret_value():
        raise Misconfigured(
            "the canary has no token; run `mostread token create canary --role emit` and set "
            "MOSTREAD_CANARY_TOKEN"
        )
    configure_logging("canary", settings.log_level)
    uvloop.run(_run(settings))


async def _run(settings: CanarySettings) -> None:
    stop = stop_signal()
    registry = new_registry(settings.revision)
    timeout = aiohttp.ClientTimeout(total=_REQUEST_SECONDS)
    async with aiohttp.ClientSession(timeout=timeout) as http:
        schedule = ProbeSchedule(settings, Probe(settings, http), CanaryMetrics(registry))

        async def check_last_probe() -> str | None:
            return schedule.failure

        app = Application(settings)
        add_operational_routes(app, checks={"probe": check_last_probe}, registry=registry)
        async with serving(
            app,
            Endpoint(settings.canary_host, settings.canary_port, "MOSTREAD_CANARY_PORT"),
            settings,
        ):
            probing = asyncio.create_task(schedule.run())
            stopped = asyncio.create_task(stop.wait())
            try:
                await asyncio.wait({probing, stopped}, return_when=asyncio.FIRST_COMPLETED)
                if probing.done():
                    probing.result()  # raises unexpected errors
            finally:
                for task in (probing, stopped):
                    task.cancel()
                    with suppress(asyncio.CancelledError):
                        await task
    log.info("stopped")


class ProbeSchedule:
    """Runs one probe per interval; `failure` is the error of the latest."""

    def __init__(self, settings: CanarySettings, probe: Probe, metrics: CanaryMetrics) -> None:
        self.failure: str | None = "the first probe is running"
        self._interval = settings.canary_interval_seconds
        self._probe = probe
        self._metrics = metrics
        metrics.succeeded_at.set_to_current_time()

    async def run(self) -> None:
        """Run a probe every `canary_interval_seconds`, forever."""
        while True:
            started = time.monotonic()
            await self._run_probe()
            await asyncio.sleep(max(0.0, started + self._interval - time.monotonic()))

    async def _run_probe(self) -> None:
        try:
            seconds = await self._probe.measure()
        except ProbeError as error:
            self.failure = str(error)
            self._metrics.failures[error.reason].inc()
            log.warning("canary_failed", reason=error.reason, error=self.failure)
            return
        if self.failure is not None:
            log.info("canary_succeeded", seconds=round(seconds, 3))
        self.failure = None
        self._metrics.duration.observe(seconds)
        self._metrics.latest.set(seconds)
        self._metrics.succeeded_at.set_to_current_time()
