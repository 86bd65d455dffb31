"""Processes that share a port answer for one another: who asks one is told of all.

A client of a shared port cannot choose who answers. So each process also answers for itself
alone, on a socket in a directory that only their user can enter, and the others ask there.
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

_ANSWER_SECONDS = 5


class MergedMetrics:
    """Metrics of several processes, each sample with the label `worker` of its own."""

    def __init__(self) -> None:
        self._families: dict[str, Metric] = {}

    def add(self, worker: int, exposed: str) -> None:
        """Add what one of them says, in Prometheus's text format.

        They are told apart, not summed up: a gauge need not make sense as a sum, and a
        counter that began anew in one process would look like all of them going backwards.
        """
        for family in text_string_to_metric_families(exposed):
            known = self._families.setdefault(
                family.name, Metric(family.name, family.documentation, family.type)
            )
            for sample in family.samples:
                labels = {**sample.labels, "worker": str(worker)}
                known.samples.append(sample._replace(labels=labels))

    def collect(self) -> list[Metric]:
        """Return all of them, as an encoder of prometheus_client wants them."""
        return list(self._families.values())


@dataclass(frozen=True)
class WorkerPool:
    """The processes 1 to `count`, whose sockets are in `directory`."""

    directory: Path
    count: int

    def socket(self, worker: int) -> Path:
        return self.directory / f"{worker}.sock"

    def checks(self) -> dict[str, Check]:
        """Return for each of them what asks it whether it is ready."""

        def check(worker: int) -> Check:
            async def ask() -> str | None:
                try:
                    async with self._get(worker, "/readyz") as answer:
                        return None if answer.ok else str((await answer.json())["detail"])
                except (aiohttp.ClientError, TimeoutError):
                    return "it does not answer"

            return ask

        return {f"worker {worker}": check(worker) for worker in self._numbers()}

    async def metrics(self) -> MergedMetrics:
        """Return the metrics of all that answer."""

        async def ask(worker: int) -> str:
            try:
                async with self._get(worker, "/metrics") as answer:
                    return await answer.text()
            except (aiohttp.ClientError, TimeoutError):
                return ""

        gathered = MergedMetrics()
        exposed = await asyncio.gather(*map(ask, self._numbers()))
        for worker, text in zip(self._numbers(), exposed, strict=True):
            gathered.add(worker, text)
        return gathered

    def _numbers(self) -> range:
        return range(1, self.count + 1)

    @asynccontextmanager
    async def _get(self, worker: int, path: str) -> AsyncIterator[aiohttp.ClientResponse]:
        async with (
            aiohttp.ClientSession(
                connector=aiohttp.UnixConnector(str(self.socket(worker))),
                timeout=aiohttp.ClientTimeout(_ANSWER_SECONDS),
            ) as http,
            http.get(f"http://worker{path}") as answer,
        ):
            yield answer


@dataclass(frozen=True)
class WorkerSlot:
    """Which of its siblings a process is."""

    worker: int
    siblings: WorkerPool

    @asynccontextmanager
    async def answering(self, app: web.Application) -> AsyncIterator[None]:
        """Serve `app` to the siblings, who ask it about this process."""
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        try:
            await web.UnixSite(runner, str(self.siblings.socket(self.worker))).start()
            yield
        finally:
            await runner.cleanup()
