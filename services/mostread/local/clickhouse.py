"""ClickHouse as one process: the embedded engine behind its HTTP front, on loopback."""

import http.client
import os
import subprocess
import sys
import time
from pathlib import Path

from mostread.errors import ClickHouseUnavailable
from mostread.local.process import spawn, stop, tail


class LocalClickHouse:
    """One server under `data`, which survives a restart; the port may change between runs."""

    def __init__(self, data: Path, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.log = data / "clickhouse.log"
        self._data = data.absolute()
        self._port = port
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def argv(self) -> list[str]:
        """The command that runs the server."""
        front = "mostread.local.clickhouse_front"
        return [sys.executable, "-m", front, str(self._data / "data"), str(self._port)]

    @property
    def pid(self) -> int | None:
        """The running server's process id."""
        return self._process.pid if self._process else None

    def start(self, timeout: float = 60) -> None:
        """Start the server and return when it answers; raises ClickHouseUnavailable."""
        self._data.mkdir(parents=True, exist_ok=True)
        self._process = spawn(self.argv, log=self.log, env=os.environ)
        deadline = time.monotonic() + timeout
        while not self.is_ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise ClickHouseUnavailable(
                    f"ClickHouse did not start. The end of its log:\n{tail(self.log)}"
                )
            time.sleep(0.05)

    def is_ready(self) -> bool:
        """Whether the server answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=5)
        try:
            connection.request("GET", "/ping")
            return connection.getresponse().status == http.client.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def stop(self, timeout: float = 150) -> None:
        """End the server in order; nothing happens if it does not run."""
        if self._process:
            stop(self._process, timeout)
            self._process = None

    def kill(self) -> None:
        """End the server as a power cut would, for tests."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None
