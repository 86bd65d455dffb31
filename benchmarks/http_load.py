"""Generate HTTP load with wrk, which uses little of the machine itself."""

import os
import shutil
import subprocess
import time
from pathlib import Path

import msgspec

_SCRIPT = Path(__file__).with_name("wrk.lua")


class HttpLoad(msgspec.Struct):
    """Result of a run: of `requests` responses, `refused` had a status above 399."""

    requests: int
    microseconds: int
    refused: int
    failed: int
    p99: int
    """Microseconds."""

    @property
    def seconds(self) -> float:
        return self.microseconds / 1e6

    @property
    def per_second(self) -> float:
        """Requests per second."""
        return self.requests / self.seconds


def missing() -> bool:
    """Return whether wrk is not installed."""
    return shutil.which("wrk") is None


def run(
    url: str, *, events: int, connections: int, seconds: float, may_refuse: bool = False
) -> HttpLoad:
    """Send requests to `url`; each connection sends again once it has a response.

    A request has `events` events; with 0 it is a GET. Fails on errors, and unless `may_refuse`
    is set, on refused requests.
    """
    options = ["-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "--timeout", "30s"]
    finished = subprocess.run(
        ["wrk", *options, "-s", str(_SCRIPT), url],
        env={**os.environ, "EVENTS": str(events), "NOW": str(time.time_ns() // 1_000_000)},
        check=True,
        capture_output=True,
    )
    result = msgspec.json.decode(finished.stdout.splitlines()[-1], type=HttpLoad)
    assert result.failed == 0, finished.stdout.decode()
    assert may_refuse or result.refused == 0, finished.stdout.decode()
    return result
