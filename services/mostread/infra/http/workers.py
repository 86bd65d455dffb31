"""Several processes that serve one port, under Granian's supervisor.

The processes accept from one listening socket, which the supervisor opens, and share nothing else.
A client cannot choose which of them answers, so the one that receives /readyz or /metrics asks all
of them, over Unix sockets in a directory that only their user can enter.
"""

import asyncio
import os
import signal
import socket
import tempfile
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
from granian.net import SocketHolder
from granian.server.mp import MPServer
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families

from mostread.infra.http.application import Application
from mostread.infra.http.config import ServiceSettings
from mostread.infra.http.connections import Connections, Endpoint, listener
from mostread.infra.http.operations import Check, failing_checks
from mostread.infra.http.server import STOP_GRACE_SECONDS, end, granian_options, start_sweeps
from mostread.infra.logging import get_logger

log = get_logger(__name__)

_TIMEOUT_SECONDS = 5


class WorkerReport(msgspec.Struct):
    """State of one worker: errors of its checks by name, and its metrics in text format."""

    failing: dict[str, str]
    metrics: str


@dataclass(frozen=True)
class WorkerPool:
    """Workers 1 to `count`, whose sockets are in `directory`."""

    directory: Path
    count: int

    def checks(self) -> dict[str, Check]:
        """Return a readiness check for each worker."""

        def check(worker: int) -> Check:
            async def readiness_error() -> str | None:
                report = await self._report(worker)
                if report is None:
                    return "it does not answer"
                return "; ".join(f"{name}: {error}" for name, error in report.failing.items())

            return readiness_error

        return {f"worker {worker}": check(worker) for worker in self._workers()}

    async def metrics(self) -> "MergedMetrics":
        """Return the metrics of every worker that answers."""
        merged = MergedMetrics()
        reports = await asyncio.gather(*map(self._report, self._workers()))
        for worker, report in zip(self._workers(), reports, strict=True):
            if report is not None:
                merged.add(worker, report.metrics)
        return merged

    def socket(self, worker: int) -> Path:
        return self.directory / f"{worker}.sock"

    def _workers(self) -> range:
        return range(1, self.count + 1)

    async def _report(self, worker: int) -> WorkerReport | None:
        try:
            async with asyncio.timeout(_TIMEOUT_SECONDS):
                reader, writer = await asyncio.open_unix_connection(self.socket(worker))
                try:
                    return msgspec.json.decode(await reader.read(-1), type=WorkerReport)
                finally:
                    writer.close()
        except (OSError, TimeoutError, msgspec.DecodeError):
            return None


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
class Service:
    """The `app` of a worker, served while `running`, and its own state for the other workers."""

    app: Application
    running: AbstractAsyncContextManager[None]
    connections: Connections
    checks: dict[str, Check]
    registry: CollectorRegistry


class WorkerTarget:
    """One process: the RSGI target that Granian loads there."""

    def __init__(self, service: Service, pool: WorkerPool, number: int, supervisor: int) -> None:
        """`supervisor` is the read end of a pipe that closes when the supervisor stops or dies."""
        self.__rsgi__ = service.app.__rsgi__
        self._service = service
        self._path = pool.socket(number)
        self._supervisor = supervisor
        self._stack = AsyncExitStack()
        self._tasks: list[asyncio.Task[None]] = []

    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        loop.run_until_complete(self._start(loop))

    def __rsgi_del__(self, loop: asyncio.AbstractEventLoop) -> None:
        for task in self._tasks:
            task.cancel()
        loop.run_until_complete(self._stack.aclose())
        log.info("stopped")

    async def _start(self, loop: asyncio.AbstractEventLoop) -> None:
        service = self._service
        await self._stack.enter_async_context(service.running)
        self._path.unlink(missing_ok=True)
        await self._stack.enter_async_context(
            await asyncio.start_unix_server(self._report, self._path)
        )
        self._tasks += start_sweeps(service.app, service.connections)
        loop.add_reader(self._supervisor, self._stop, loop)

    def _stop(self, loop: asyncio.AbstractEventLoop) -> None:
        loop.remove_reader(self._supervisor)
        self._tasks.append(loop.create_task(end(self._service.app, self._service.connections)))
        os.kill(os.getpid(), signal.SIGTERM)  # Granian's, in case the supervisor is dead

    async def _report(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        report = WorkerReport(
            failing=await failing_checks(self._service.checks),
            metrics=generate_latest(self._service.registry).decode(),
        )
        writer.write(msgspec.json.encode(report))
        await writer.drain()
        writer.close()


class WorkerSupervisor(MPServer):
    """Granian's supervisor, with a listening socket that its workers share."""

    def __init__(self, listening: socket.socket, **options: Any) -> None:
        super().__init__("", **options)
        self._listening = listening
        self._alive = os.pipe()

    def _init_shared_socket(self) -> None:
        descriptor = self._listening.fileno()
        self._sso = self._listening
        self._shd = SocketHolder(descriptor, False, self.backlog)  # type: ignore[call-arg, assignment]

    def _spawn_worker(self, idx: int, target: Any, callback_loader: Any) -> Any:  # type: ignore[override]
        return super()._spawn_worker(idx, target, partial(self._load, callback_loader, idx + 1))

    def _load(self, load: Callable[[int, int], WorkerTarget], number: int) -> WorkerTarget:
        """Return the target of a worker, in its process."""
        reading, writing = self._alive
        os.close(writing)
        return load(number, reading)

    def _stop_workers(self) -> None:
        os.close(self._alive[1])
        super()._stop_workers()  # type: ignore[no-untyped-call]


def run_workers(
    count: int,
    endpoint: Endpoint,
    settings: ServiceSettings,
    build: Callable[[WorkerPool, int], Service],
) -> None:
    """Serve with `count` processes until SIGTERM or SIGINT, and restart those that die.

    `build` is called in each process, with its number. Raises Misconfigured if the port is in
    use, and SystemExit if a worker dies twice within seconds.
    """
    listening = listener(endpoint, settings)
    log.info("listening", host=endpoint.host, port=endpoint.port, workers=count)
    with tempfile.TemporaryDirectory(prefix="mostread-") as directory:
        pool = WorkerPool(Path(directory), count)

        def load(number: int, alive: int) -> WorkerTarget:
            return WorkerTarget(build(pool, number), pool, number, alive)

        supervisor = WorkerSupervisor(
            listening,
            workers=count,
            respawn_failed_workers=True,
            respawn_interval=0,
            workers_kill_timeout=int(STOP_GRACE_SECONDS),
            **granian_options(settings),
        )
        supervisor.serve(
            target_loader=load,  # type: ignore[arg-type]
            wrap_loader=False,
        )
    log.info("stopped")
