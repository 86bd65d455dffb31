"""Health and metrics of several processes that share a port.

A client of a shared port cannot choose which process answers. Each process therefore also listens
on a Unix socket, in a directory that only its user can enter, and the process that receives
/readyz or /metrics queries all of them there.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from aiohttp import web
from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families

from mostread.infra.http.server import Check

_TIMEOUT_SECONDS = 5


class MergedMetrics:
    """Metrics of several processes, separated by the label `worker`."""

    def __init__(self) -> None:
        self._families: dict[str, Metric] = {}

    def add(self, worker: int, exposition: str) -> None:
        """Add the metrics of one process, in Prometheus's text format.

        The samples stay separate: the sum of a gauge may mean nothing, and a counter that one
        process restarts would look like a reset of the sum.
        """
        for family in text_string_to_metric_families(exposition):
            merged = self._families.setdefault(
                family.name, Metric(family.name, family.documentation, family.type)
            )
            for sample in family.samples:
                labels = {**sample.labels, "worker": str(worker)}
                merged.samples.append(sample._replace(labels=labels))

    def collect(self) -> list[Metric]:
        """Return all metrics, as prometheus_client's encoders expect them."""
        return list(self._families.values())


@dataclass(frozen=True)
class WorkerPool:
    """Processes 1 to `count`, whose sockets are in `directory`."""

    directory: Path
    count: int

    def socket(self, worker: int) -> Path:
        return self.directory / f"{worker}.sock"

    def checks(self) -> dict[str, Check]:
        """Return a readiness check for each process."""

        def check(worker: int) -> Check:
            async def readiness_error() -> str | None:
                try:
                    async with self._get(worker, "/readyz") as response:
                        return None if response.ok else str((await response.json())["detail"])
                except (aiohttp.ClientError, TimeoutError):
                    return "it does not answer"

            return readiness_error

        return {f"worker {worker}": check(worker) for worker in self._workers()}

    async def metrics(self) -> MergedMetrics:
        """Return the metrics of every process that responds."""

        async def scrape(worker: int) -> str:
            try:
                async with self._get(worker, "/metrics") as response:
                    return await response.text()
            except (aiohttp.ClientError, TimeoutError):
                return ""

        merged = MergedMetrics()
        expositions = await asyncio.gather(*map(scrape, self._workers()))
        for worker, exposition in zip(self._workers(), expositions, strict=True):
            merged.add(worker, exposition)
        return merged

    def _workers(self) -> range:
        return range(1, self.count + 1)

    @asynccontextmanager
    async def _get(self, worker: int, path: str) -> AsyncIterator[aiohttp.ClientResponse]:
        async with (
            aiohttp.ClientSession(
                connector=aiohttp.UnixConnector(str(self.socket(worker))),
                timeout=aiohttp.ClientTimeout(_TIMEOUT_SECONDS),
            ) as http,
            http.get(f"http://worker{path}") as response,
        ):
            yield response


@dataclass(frozen=True)
class WorkerSlot:
    """The number of a process in its pool."""

    worker: int
    pool: WorkerPool

    @asynccontextmanager
    async def serve(self, app: web.Application) -> AsyncIterator[None]:
        """Serve `app`, which covers this process alone, to the other processes."""
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        try:
            await web.UnixSite(runner, str(self.pool.socket(self.worker))).start()
            yield
        finally:
            await runner.cleanup()
