"""What dies is started again, ever more slowly; what is stopped ends in the reverse order."""

import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mostread.devstack.data_dir import DataFolder
from mostread.devstack.process import Identity
from mostread.devstack.supervisor import EventLog, Pause, Service, Supervisor

WAITS = [sys.executable, "-c", "import signal; signal.pause()"]
DIES = [sys.executable, "-c", "raise SystemExit(3)"]
# Says that it runs only once it ignores the signal.
STAYS = [
    *(sys.executable, "-uc"),
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1); time.sleep(600)",
]


def service(name: str, argv: list[str], stop_timeout: float = 60) -> Service:
    return Service(name, argv, os.environ, missing=lambda: "", stop_timeout=stop_timeout)


@pytest.fixture(name="folder")
def _folder(tmp_path: Path) -> DataFolder:
    return DataFolder(tmp_path)


@pytest.fixture(name="said")
def _said() -> list[str]:
    return []


@pytest.fixture(name="supervisor")
def _supervisor(folder: DataFolder, said: list[str]) -> Iterator[Supervisor]:
    supervisor = Supervisor(folder, EventLog(folder.log("supervisor"), said.append))
    yield supervisor
    supervisor.stop_all()


def events(folder: DataFolder, name: str) -> list[dict[str, object]]:
    lines = folder.log("supervisor").read_text().splitlines()
    return [event for event in map(json.loads, lines) if event["event"] == name]


def until_dead(pid: int) -> None:
    while Identity.of(pid):
        time.sleep(0.01)


def test_the_pause_doubles_up_to_a_limit_and_starts_over_after_a_good_run() -> None:
    pause = Pause()
    assert [pause.after(1) for _ in range(7)] == [0.5, 1, 2, 4, 8, 15, 15]
    assert pause.after(60) == 0.5
    assert pause.after(59) == 1


def test_a_process_that_dies_is_started_again_when_its_pause_is_over(
    supervisor: Supervisor, folder: DataFolder, said: list[str]
) -> None:
    now = 100.0
    supervisor.start(service("dies", DIES), now)
    for pause in (0.5, 1.0, 2.0):
        pid = supervisor.pids["dies"]
        until_dead(pid)
        supervisor.check(now)
        assert supervisor.pids == {}
        supervisor.check(now + pause - 0.01)
        assert supervisor.pids == {}
        now += pause
        supervisor.check(now)
        assert supervisor.pids["dies"] != pid
    assert [event["pause_seconds"] for event in events(folder, "process_died")] == [0.5, 1.0, 2.0]
    assert {event["exit_code"] for event in events(folder, "process_died")} == {3}
    assert said[0].startswith("dies ended (with code 3); it starts again in 0.5 s.")


def test_everything_is_stopped_last_started_first(
    supervisor: Supervisor, folder: DataFolder
) -> None:
    for name in ("kafka", "aggregator", "collector"):
        supervisor.start(service(name, WAITS), 0)
    pids = list(supervisor.pids.values())
    supervisor.stop_all()
    stopped = [event["process"] for event in events(folder, "process_stopping")]
    assert stopped == ["collector", "aggregator", "kafka"]
    assert not any(Identity.of(pid) for pid in pids)


def test_what_does_not_end_in_time_is_killed_and_that_is_said(
    supervisor: Supervisor, folder: DataFolder, said: list[str]
) -> None:
    supervisor.start(service("stays", STAYS, stop_timeout=0.2), 0)
    while not folder.log("stays").read_text():
        time.sleep(0.01)
    supervisor.stop_all()
    assert said[-1] == "stays did not end within 0.2 s and was killed"
