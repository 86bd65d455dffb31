"""Common base of the embedded Kafka and ClickHouse servers."""

import os
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path

from mostread.devstack.process import spawn, stop, tail
from mostread.errors import Unavailable

START_TIMEOUT = 90.0

Progress = Callable[[str], None]
"""Receives a line of progress for the terminal."""


class LocalServer(ABC):
    """A server whose files are in `data` and survive a restart; its ports may change.

    `mostread up` runs `argv` under its supervisor; tests start and kill it here.
    """

    name: str
    title: str
    """Product name for the terminal."""
    unavailable: type[Unavailable]
    stop_timeout = 60.0

    listening: tuple[tuple[str, int], ...]
    """Purpose and number of each port."""

    def __init__(self, data: Path) -> None:
        self.data = data.absolute()
        self.log = self.data / f"{self.name}.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    @abstractmethod
    def argv(self) -> list[str]:
        """The command that runs the prepared server."""

    @abstractmethod
    def prepare(self, progress: Progress) -> None:
        """Create what the server needs before it can start."""

    @abstractmethod
    def is_ready(self) -> bool:
        """Return whether the server responds."""

    @property
    def pid(self) -> int | None:
        """The running server's process id."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start the server and return when it responds. Raises Unavailable."""
        self.launch()
        self.wait_ready()

    def launch(self) -> None:
        """Start the server without waiting for it. Raises Unavailable."""
        self.prepare(lambda _: None)
        self._process = spawn(self.argv, log=self.log, env=os.environ)

    def wait_ready(self) -> None:
        """Return when the launched server responds. Raises Unavailable."""
        deadline = time.monotonic() + START_TIMEOUT
        while not self.is_ready():
            ended = self._process is None or self._process.poll() is not None
            if ended or time.monotonic() > deadline:
                self.kill()
                raise self.unavailable(
                    f"{self.name} did not start. The end of its log:\n{tail(self.log)}"
                )
            time.sleep(0.05)

    def stop(self) -> None:
        """Shut the server down, if it runs."""
        if self._process:
            stop(self._process, self.stop_timeout)
            self._process = None

    def kill(self) -> None:
        """Kill the server, as a power cut would; for tests."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None
