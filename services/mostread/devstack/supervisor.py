"""Keeps the processes of the stack running, and ends them in order."""

import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import orjson

from mostread.devstack.data_dir import DataFolder
from mostread.devstack.process import spawn, stop


class EventLog:
    """Appends to `file` and says to `report` what a person should know."""

    def __init__(self, file: Path, report: Callable[[str], None]) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        self._file = file
        self._report = report

    def __call__(self, event: str, sentence: str = "", **fields: str | float) -> None:
        """Record one event; it is reported only if it comes with a sentence."""
        line = {"time": datetime.now(UTC), "service": "supervisor", "event": event, **fields}
        with self._file.open("ab") as file:
            file.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))
        if sentence:
            self._report(sentence)


FIRST_PAUSE = 0.5
LONGEST_PAUSE = 15.0
RAN_WELL = 60.0


@dataclass(frozen=True)
class Service:
    """One process to keep running.

    `missing` asks it whether it can work: empty if so, else what it lacks, for people.
    `stop_timeout` is how many seconds it gets to finish its work before it is killed.
    """

    name: str
    argv: Sequence[str]
    env: Mapping[str, str]
    missing: Callable[[], str]
    stop_timeout: float = 60.0


class Pause:
    """How long to wait before a dead process is started again: twice as long each time."""

    def __init__(self) -> None:
        self._next = FIRST_PAUSE

    def after(self, ran_for: float) -> float:
        """Return the pause in seconds, given how long the process ran until it died."""
        if ran_for >= RAN_WELL:
            self._next = FIRST_PAUSE
        pause = self._next
        self._next = min(2 * pause, LONGEST_PAUSE)
        return pause


@dataclass
class _Child:
    service: Service
    process: subprocess.Popen[bytes]
    started: float
    pause: Pause = field(default_factory=Pause)
    restart_at: float | None = None


class Supervisor:
    """Starts services, starts again those that die, ends them in the reverse order."""

    def __init__(self, folder: DataFolder, events: EventLog) -> None:
        self._folder = folder
        self._events = events
        self._children: list[_Child] = []

    @property
    def pids(self) -> dict[str, int]:
        """The processes that run, by service, in the order they were first started."""
        return {
            child.service.name: child.process.pid
            for child in self._children
            if child.restart_at is None
        }

    def start(self, service: Service, now: float) -> None:
        """Start a service; `now` is in seconds of a clock that never goes back."""
        self._children.append(_Child(service, self._spawn(service), now))
        self._folder.remember(self.pids)

    def check(self, now: float) -> None:
        """Notice what died and start what has waited out its pause."""
        for child in self._children:
            if child.restart_at is not None:
                if now >= child.restart_at:
                    child.process = self._spawn(child.service)
                    child.started, child.restart_at = now, None
                    self._folder.remember(self.pids)
            elif (code := child.process.poll()) is not None:
                pause = child.pause.after(now - child.started)
                child.restart_at = now + pause
                self._events(
                    "process_died",
                    f"{child.service.name} ended ({_exit(code)}); it starts again in {pause:g} s. "
                    f"Its log: {self._folder.log(child.service.name)}",
                    process=child.service.name,
                    exit_code=code,
                    pause_seconds=pause,
                )

    def stop_all(self) -> None:
        """End every service, the last started first, each only when the one before has ended."""
        while self._children:
            child = self._children[-1]
            name, timeout = child.service.name, child.service.stop_timeout
            if child.process.poll() is None:
                self._events("process_stopping", f"Stopping {name} ...", process=name)
                if not stop(child.process, timeout):
                    self._events(
                        "process_killed",
                        f"{name} did not end within {timeout:g} s and was killed",
                        process=name,
                    )
            self._children.pop()
            self._folder.remember(self.pids)

    def _spawn(self, service: Service) -> subprocess.Popen[bytes]:
        process = spawn(service.argv, log=self._folder.log(service.name), env=service.env)
        self._events("process_started", process=service.name, pid=process.pid)
        return process


def _exit(code: int) -> str:
    return f"by signal {-code}" if code < 0 else f"with code {code}"
