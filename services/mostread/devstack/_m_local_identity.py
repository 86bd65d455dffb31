"""Which process is meant: a number that the kernel may hand out again, and when it started."""

import os
import select
import signal
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self


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
