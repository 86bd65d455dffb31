"""Restarts with growing delays, and shutdown in the reverse order."""

import json
import os
import sys
import time
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path

import pytest

from mostread.devstack.data_dir import DataDir
from mostread.devstack.supervisor import Program, Supervisor, restart_delay

WAITS = [sys.executable, "-c", "import signal; signal.pause()"]
DIES = [sys.executable, "-c", "raise SystemExit(3)"]
# Prints once it ignores the signal.
IGNORES = [
    *(sys.executable, "-uc"),
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1); time.sleep(600)",
]


def program(name: str, argv: list[str], stop_timeout: float = 60) -> Program:
    return Program(name, argv, {}, not_ready=lambda: "", stop_timeout=stop_timeout)


@pytest.fixture(name="data")
def _data(tmp_path: Path) -> DataDir:
    return DataDir(tmp_path)


@pytest.fixture(name="reported")
def _reported() -> list[str]:
    return []


@pytest.fixture(name="supervisor")
def _supervisor(data: DataDir, reported: list[str]) -> Iterator[Supervisor]:
    supervisor = Supervisor(data, reported.append)
    yield supervisor
    supervisor.stop_all()


def events(data: DataDir, name: str) -> list[dict[str, object]]:
    lines = data.log("supervisor").read_text().splitlines()
    return [event for event in map(json.loads, lines) if event["event"] == name]


def wait_ended(pid: int) -> None:
    """Wait until a child has ended, without reaping it."""
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)


def test_restart_delay_doubles_up_to_a_maximum_and_resets_after_a_stable_run() -> None:
    delays = list(accumulate(range(7), lambda last, _: restart_delay(last, 1), initial=0.0))
    assert delays[1:] == [0.5, 1, 2, 4, 8, 15, 15]
    assert restart_delay(15, ran_for=60) == 0.5
    assert restart_delay(0.5, ran_for=59) == 1


def test_supervisor_restarts_a_process_after_its_delay(
    supervisor: Supervisor, data: DataDir, reported: list[str]
) -> None:
    now = 100.0
    supervisor.start(program("dies", DIES), now)
    for delay in (0.5, 1.0, 2.0):
        pid = supervisor.pids["dies"]
        wait_ended(pid)
        supervisor.check(now)
        assert supervisor.pids == {}
        supervisor.check(now + delay - 0.01)
        assert supervisor.pids == {}
        now += delay
        supervisor.check(now)
        assert supervisor.pids["dies"] != pid
    assert [event["delay_seconds"] for event in events(data, "process_ended")] == [0.5, 1.0, 2.0]
    assert {event["exit_code"] for event in events(data, "process_ended")} == {3}
    assert reported[0].startswith("dies ended (with code 3); restarting in 0.5 s.")


def test_supervisor_stops_the_last_started_process_first(
    supervisor: Supervisor, data: DataDir
) -> None:
    for name in ("kafka", "aggregator", "collector"):
        supervisor.start(program(name, WAITS), 0)
    pids = list(supervisor.pids.values())
    supervisor.stop_all()
    stopped = [event["process"] for event in events(data, "process_stopping")]
    assert stopped == ["collector", "aggregator", "kafka"]
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)


def test_supervisor_kills_and_reports_a_process_that_does_not_stop(
    supervisor: Supervisor, data: DataDir, reported: list[str]
) -> None:
    supervisor.start(program("stays", IGNORES, stop_timeout=0.2), 0)
    while not data.log("stays").read_text():
        time.sleep(0.01)
    supervisor.stop_all()
    assert reported[-1] == "stays did not end within 0.2 s and was killed"
