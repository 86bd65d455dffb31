"""Several collectors on one port: the kernel spreads connections over them (SO_REUSEPORT).

They share nothing but the port. Each has a producer, limits and counters of its own, so what
one may hold, all may hold together as many times. This process serves nobody: it starts them,
starts again what dies, and ends them.
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
from mostread.errors import Misconfigured, MostreadError
from mostread.infra.http.prefork import WorkerPool, WorkerSlot
from mostread.infra.http.server import stop_signal
from mostread.infra.logging import get_logger

log = get_logger(__name__)

_AGAIN_AFTER_SECONDS = 1.0
_STOP_SECONDS = 45.0


async def work(settings: CollectorSettings, place: WorkerSlot) -> None:
    """Be one of them, until SIGTERM or SIGINT or the end of who started it."""
    stop = stop_signal()
    loop = asyncio.get_running_loop()

    def parent_gone() -> None:
        loop.remove_reader(sys.stdin)
        stop.set()

    # Nothing is ever written to it: it can be read when its other end is gone.
    loop.add_reader(sys.stdin, parent_gone)
    await serve(settings, stop, place)


async def run_workers(settings: CollectorSettings) -> None:
    """Run until SIGTERM or SIGINT; then every request that was taken is answered first.

    A worker that dies is started again. Raises Misconfigured where the port is taken, and
    MostreadError where a worker ends before it has listened, or does not end well.
    """
    stop = stop_signal()
    await _require_free(settings.collector_host, settings.collector_port)
    with tempfile.TemporaryDirectory(prefix="mostread-") as directory:
        siblings = WorkerPool(Path(directory), settings.collector_workers)
        environment = _environment(settings)
        workers = [Worker(number, siblings, environment) for number in range(1, siblings.count + 1)]
        lives = [asyncio.create_task(worker.live()) for worker in workers]
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait([*lives, stopping], return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        log.info("stopping")
        for worker in workers:
            worker.stop()
        _, slow = await asyncio.wait(lives, timeout=_STOP_SECONDS)
        for worker in workers:
            worker.kill()
        await asyncio.gather(*lives)  # raises what went wrong with any
        if slow:
            raise MostreadError(f"{len(slow)} workers did not end within {_STOP_SECONDS:g} s")
        log.info("stopped")


def _environment(settings: CollectorSettings) -> dict[str, str]:
    """Return the environment of all: where none has a secret for visitors, one that is common."""
    if settings.collector_visitor_secret.get_secret_value():
        return dict(os.environ)  # it may be in a file, which each of them reads for itself
    return {**os.environ, "MOSTREAD_COLLECTOR_VISITOR_SECRET": secrets.token_hex(32)}


async def _require_free(host: str, port: int) -> None:
    """Raise Misconfigured where somebody listens: beside others it could be done unnoticed."""
    try:
        server = await asyncio.get_running_loop().create_server(asyncio.Protocol, host, port)
    except OSError as error:
        raise Misconfigured(
            f"cannot listen on {host}:{port} ({error.strerror}); choose another port by "
            "MOSTREAD_COLLECTOR_PORT"
        ) from error
    server.close()
    await server.wait_closed()


class Worker:
    """One of the processes, and the next that takes its place."""

    def __init__(self, number: int, siblings: WorkerPool, environment: Mapping[str, str]) -> None:
        self._number = number
        self._siblings = siblings
        self._environment = environment
        self._process: Process | None = None
        self._stopping = asyncio.Event()

    async def live(self) -> None:
        """Run it until it was stopped."""
        while not self._stopping.is_set():
            self._siblings.socket(self._number).unlink(missing_ok=True)
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "mostread", "collector"),
                *(f"--worker={self._number}", f"--siblings={self._siblings.directory}"),
                stdin=PIPE,
                env=self._environment,
            )
            if self._stopping.is_set():
                self.stop()
            code = await self._process.wait()
            if self._stopping.is_set():
                if code not in (0, -signal.SIGTERM):  # the signal may come before its handler
                    raise MostreadError(f"worker {self._number} ended with {code}")
            elif not self._siblings.socket(self._number).exists():
                raise MostreadError(f"worker {self._number} ended before it listened ({code})")
            else:
                log.error("worker_died", worker=self._number, code=code)
                await self._pause()

    def stop(self) -> None:
        """Let it end in order, and no other take its place."""
        self._stopping.set()
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()

    def kill(self) -> None:
        """End it where it is still there."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()

    async def _pause(self) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), _AGAIN_AFTER_SECONDS)
