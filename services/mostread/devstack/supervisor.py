"""Keep the processes of the stack running, and end them in order."""

import os
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import orjson

from mostread.devstack.data_dir import DataDir
from mostread.devstack.process import spawn, stop
from mostread.errors import MostreadError

READY_TIMEOUT = 120.0
REPORT_NOT_READY_AFTER = 10.0
MIN_DELAY = 0.5
MAX_DELAY = 15.0
STABLE_SECONDS = 60.0


@dataclass(frozen=True)
class Program:
    """A process to keep running.

    `not_ready` returns why it cannot work yet, or an empty string. `stop_timeout` is how many
    seconds it gets to finish its work before it is killed.
    """

    name: str
    argv: Sequence[str]
    settings: Mapping[str, str]
    not_ready: Callable[[], str]
    stop_timeout: float = 60.0


@dataclass
class _Child:
    program: Program
    process: subprocess.Popen[bytes]
    started: float
    delay: float = 0.0
    restart_at: float | None = None


def restart_delay(last: float, ran_for: float) -> float:
    """Return the seconds until a restart: doubled unless the process was stable."""
    return min(2 * last, MAX_DELAY) if last and ran_for < STABLE_SECONDS else MIN_DELAY


class Supervisor:
    """Starts programs, restarts those that end, and stops them in the reverse order.

    Starts and ends are logged to logs/supervisor.log; `report` receives what a person should know.
    `lock` is the descriptor of the lock that the processes inherit.
    """

    def __init__(
        self, data: DataDir, report: Callable[[str], None], lock: int | None = None
    ) -> None:
        self._data = data
        self._report = report
        self._pass_fds = () if lock is None else (lock,)
        self._children: list[_Child] = []

    @property
    def pids(self) -> dict[str, int]:
        """The running processes by program, in the order of their first start."""
        return {
            child.program.name: child.process.pid
            for child in self._children
            if child.restart_at is None
        }

    def start(self, program: Program, now: float) -> None:
        """Start a program; `now` is a monotonic time in seconds."""
        self._children.append(_Child(program, self._spawn(program), now))

    def wait_ready(self) -> None:
        """Wait until every program is ready. Raises MostreadError after READY_TIMEOUT seconds."""
        begun = time.monotonic()
        reported = ""
        waiting = [child.program for child in self._children]
        while waiting:
            self.check(now := time.monotonic())
            errors = {program.name: program.not_ready() for program in waiting}
            waiting = [program for program in waiting if errors[program.name]]
            summary = "; ".join(f"{name}: {error}" for name, error in errors.items() if error)
            if now - begun > READY_TIMEOUT:
                raise MostreadError(f"not ready after {READY_TIMEOUT:g} s: {summary}")
            if now - begun > REPORT_NOT_READY_AFTER and summary not in ("", reported):
                self._report(f"Waiting for {summary}")
                reported = summary
            time.sleep(0.05 if waiting else 0)

    def check(self, now: float) -> None:
        """Notice which processes ended, and restart those whose delay is over."""
        for child in self._children:
            if child.restart_at is not None:
                if now >= child.restart_at:
                    child.process = self._spawn(child.program)
                    child.started, child.restart_at = now, None
            elif (code := child.process.poll()) is not None:
                name = child.program.name
                child.delay = restart_delay(child.delay, now - child.started)
                child.restart_at = now + child.delay
                how = f"by signal {-code}" if code < 0 else f"with code {code}"
                self._report(
                    f"{name} ended ({how}); restarting in {child.delay:g} s. "
                    f"Its log: {self._data.log(name)}"
                )
                self._log("process_ended", name, exit_code=code, delay_seconds=child.delay)

    def stop_all(self) -> None:
        """Stop all programs one by one, in reverse order of their start."""
        while self._children:
            child = self._children[-1]
            name, timeout = child.program.name, child.program.stop_timeout
            if child.process.poll() is None:
                self._report(f"Stopping {name} ...")
                self._log("process_stopping", name)
                if not stop(child.process, timeout):
                    self._report(f"{name} did not end within {timeout:g} s and was killed")
                    self._log("process_killed", name)
            self._children.pop()

    def _spawn(self, program: Program) -> subprocess.Popen[bytes]:
        process = spawn(
            program.argv,
            log=self._data.log(program.name),
            env=os.environ | program.settings,
            pass_fds=self._pass_fds,
        )
        self._log("process_started", program.name, pid=process.pid)
        return process

    def _log(self, event: str, process: str, **fields: float) -> None:
        file = self._data.log("supervisor")
        file.parent.mkdir(parents=True, exist_ok=True)
        line = {"time": datetime.now(UTC), "service": "supervisor", "event": event}
        with file.open("ab") as log:
            log.write(
                orjson.dumps(
                    line | {"process": process, **fields}, option=orjson.OPT_APPEND_NEWLINE
                )
            )
