"""Requests over HTTP by wrk, which takes the least of the machine from what it measures."""

import os
import shutil
import subprocess
import time
from pathlib import Path

import msgspec

_SCRIPT = Path(__file__).with_name("wrk.lua")


class Answered(msgspec.Struct):
    """Result of a load: of `requests` answers, `refused` had a status above 399."""

    requests: int
    microseconds: int
    refused: int
    failed: int
    p99: int
    """Microseconds."""

    @property
    def seconds(self) -> float:
        """Return how long it took."""
        return self.microseconds / 1e6

    @property
    def a_second(self) -> float:
        """Return requests per second."""
        return self.requests / self.seconds


def missing() -> bool:
    """Return whether wrk is not there."""
    return shutil.which("wrk") is None


def load(
    url: str, *, events: int, connections: int, seconds: float, may_refuse: bool = False
) -> Answered:
    """Send to `url` for so long, each connection again as soon as it was answered.

    With `events` in each request, or GET where it is 0.
    """
    how_much = ["-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "--timeout", "30s"]
    finished = subprocess.run(
        ["wrk", *how_much, "-s", str(_SCRIPT), url],
        env={**os.environ, "EVENTS": str(events), "NOW": str(time.time_ns() // 1_000_000)},
        check=True,
        capture_output=True,
    )
    answered = msgspec.json.decode(finished.stdout.splitlines()[-1], type=Answered)
    assert answered.failed == 0, finished.stdout.decode()
    assert may_refuse or answered.refused == 0, finished.stdout.decode()
    return answered
