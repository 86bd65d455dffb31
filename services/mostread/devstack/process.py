"""Starting and ending one process of the stack."""

import os
import select
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

TETHER = Path(__file__).with_name("pdeathsig.py")


def spawn(argv: Sequence[str], *, log: Path, env: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Start a process in its own session, its output appended to `log`.

    Call it from the main thread: the kernel counts the death of the *thread* that forked as
    the parent's death, and the process would be told to end.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-I", "-S", str(TETHER), str(os.getpid()), *argv],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=dict(env),
            start_new_session=True,
        )


def stop(process: subprocess.Popen[bytes], timeout: float) -> bool:
    """Ask a process to end and wait; False if it had to be killed after `timeout` seconds."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return False
    return True


def tail(log: Path, lines: int = 20) -> str:
    """The end of a log, for an error message; empty if there is no log."""
    if not log.exists():
        return ""
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])


@dataclass(frozen=True)
class Identity:
    """One process for good; `started` is the boot it lives in and its start in clock ticks."""

    pid: int
    started: str

    @classmethod
    def of(cls, pid: int) -> Self | None:
        """Return who has this number now; None if nobody lives under it."""
        started = _started(pid)
        return cls(pid, started) if started else None

    @classmethod
    def of_self(cls) -> Self:
        """Return this process."""
        return cls(os.getpid(), _started(os.getpid()))

    def is_alive(self) -> bool:
        """Whether this very process still lives."""
        return Identity.of(self.pid) == self

    def end(self, timeout: float) -> bool:
        """Ask it to end and wait; False if it had to be killed after `timeout` seconds."""
        try:
            handle = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return True
        try:
            # Asked after the handle is held: what it names now it names for good.
            if not self.is_alive():
                return True
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(handle, signal.SIGTERM)
            if _has_ended(handle, timeout):
                return True
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(handle, signal.SIGKILL)
            _has_ended(handle, timeout)
            return False
        finally:
            os.close(handle)


def _started(pid: int) -> str:
    """When a process started; empty if there is none, or only its exit code is left."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""
    # The name in parentheses may hold blanks; state is the 3rd field, start the 22nd.
    state, *rest = stat.rpartition(")")[2].split()
    return "" if state == "Z" else f"{boot}/{rest[18]}"


def _has_ended(handle: int, timeout: float) -> bool:
    return bool(select.select([handle], [], [], timeout)[0])
