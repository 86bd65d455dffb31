"""Run several collectors on one port (SO_REUSEPORT).

The kernel spreads connections over the workers, which share only the port. Each has its own
producer, limits and metrics, so limits apply per worker. This process serves no requests: it
starts the workers, restarts those that die, and stops them.
"""

import asyncio
import contextlib
import os
import secrets
import signal
import sys
import tempfile
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping
from pathlib import Path

from mostread.collector.app import serve
from mostread.collector.config import CollectorSettings
from mostread.errors import MostreadError
from mostread.infra.http.prefork import WorkerPool, WorkerSlot
from mostread.infra.http.server import port_error, stop_signal
from mostread.infra.logging import get_logger

log = get_logger(__name__)

_RESTART_DELAY_SECONDS = 1.0
_SHUTDOWN_TIMEOUT_SECONDS = 45.0


async def work(settings: CollectorSettings, slot: WorkerSlot) -> None:
    """Run one worker until SIGTERM, SIGINT or the end of its parent."""
    stop = stop_signal()
    loop = asyncio.get_running_loop()

    def parent_gone() -> None:
        loop.remove_reader(sys.stdin)
        stop.set()

    # The parent never writes to it: it becomes readable when the parent has ended.
    loop.add_reader(sys.stdin, parent_gone)
    await serve(settings, stop, slot)


async def run_workers(settings: CollectorSettings) -> None:
    """Run all workers until SIGTERM or SIGINT, then let them finish their requests.

    A worker that dies is restarted. Raises Misconfigured if the port is in use, and MostreadError
    if a worker ends before it listens, or fails while stopping.
    """
    stop = stop_signal()
    await _require_free(settings.collector_host, settings.collector_port)
    with tempfile.TemporaryDirectory(prefix="mostread-") as directory:
        pool = WorkerPool(Path(directory), settings.collector_workers)
        environment = _environment(settings)
        workers = [WorkerProcess(number, pool, environment) for number in range(1, pool.count + 1)]
        runs = [asyncio.create_task(worker.run()) for worker in workers]
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait([*runs, stopping], return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        log.info("stopping")
        for worker in workers:
            worker.stop()
        _, slow = await asyncio.wait(runs, timeout=_SHUTDOWN_TIMEOUT_SECONDS)
        for worker in workers:
            worker.kill()
        await asyncio.gather(*runs)  # raises the first worker's error
        if slow:
            raise MostreadError(
                f"{len(slow)} workers did not stop within {_SHUTDOWN_TIMEOUT_SECONDS:g} s"
            )
        log.info("stopped")


def _environment(settings: CollectorSettings) -> dict[str, str]:
    """Return the environment of all workers, with a common visitor secret."""
    if settings.collector_visitor_secret.get_secret_value():
        return dict(os.environ)  # it may come from a file, which each worker reads itself
    return {**os.environ, "MOSTREAD_COLLECTOR_VISITOR_SECRET": secrets.token_hex(32)}


async def _require_free(host: str, port: int) -> None:
    """Raise Misconfigured if the port is in use, which SO_REUSEPORT would hide."""
    try:
        server = await asyncio.get_running_loop().create_server(asyncio.Protocol, host, port)
    except OSError as error:
        raise port_error(host, port, "MOSTREAD_COLLECTOR_PORT", error) from error
    server.close()
    await server.wait_closed()


class WorkerProcess:
    """A worker process that is restarted when it dies."""

    def __init__(self, number: int, pool: WorkerPool, environment: Mapping[str, str]) -> None:
        self._number = number
        self._pool = pool
        self._environment = environment
        self._process: Process | None = None
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Run the worker until `stop`."""
        while not self._stopping.is_set():
            self._pool.socket(self._number).unlink(missing_ok=True)
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "mostread", "collector"),
                *(f"--worker={self._number}", f"--pool={self._pool.directory}"),
                stdin=PIPE,
                env=self._environment,
            )
            if self._stopping.is_set():
                self.stop()
            code = await self._process.wait()
            if self._stopping.is_set():
                # The signal may arrive before its handler is set.
                if code not in (0, -signal.SIGTERM):
                    raise MostreadError(f"worker {self._number} ended with {code}")
            elif not self._pool.socket(self._number).exists():
                raise MostreadError(
                    f"worker {self._number} ended with {code} before it listened; see its log"
                )
            else:
                log.error("worker_died", worker=self._number, code=code)
                await self._pause()

    def stop(self) -> None:
        """Stop the worker gracefully and do not restart it."""
        self._stopping.set()
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()

    def kill(self) -> None:
        """Kill the worker if it still runs."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()

    async def _pause(self) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), _RESTART_DELAY_SECONDS)
