"""The data directory of a stack: its files, its lock and the settings of the running stack."""

import fcntl
import os
import secrets
import shlex
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from mostread.errors import Misconfigured

LEFTOVER_SECONDS = 60.0


class DataDir:
    """The files of one stack; only one `mostread up` runs on them at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.kafka = self.path / "kafka"
        self.clickhouse = self.path / "clickhouse"
        self.tokens = self.path / "tokens"
        self.cms_token = self.path / "cms-token"
        self.editor_token = self.path / "editor-token"
        self.canary_token = self.path / "canary-token"
        self.visitor_secret = self.path / "visitor-secret"
        self.session_secret = self.path / "session-secret"
        self.env = self.path / "env"
        self._pid = self.path / "pid"
        self._processes = self.path / "processes.lock"

    def log(self, name: str) -> Path:
        """Return the file that receives a service's output."""
        return self.path / "logs" / f"{name}.log"

    @contextmanager
    def locked(self, report: Callable[[str], None] = lambda _: None) -> Iterator[int]:
        """Lock the directory and yield a descriptor that the stack's processes must inherit.

        The kernel releases two locks: the supervisor's own when the supervisor ends, the other
        when the last process that inherited it ends. After a supervisor was killed, its processes
        are thus waited for. Raises Misconfigured where another stack runs.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        with self._pid.open("a+") as pid, self._processes.open("a") as processes:
            if not _try_lock(pid, fcntl.LOCK_EX):
                raise Misconfigured(
                    f"{self.path} is in use by a running `mostread up` (process "
                    f"{self._pid.read_text() or 'unknown'}); stop it with `mostread down --data "
                    f"{self.path}`, or choose another directory with --data"
                )
            pid.truncate(0)
            pid.write(str(os.getpid()))
            pid.flush()
            self._wait_for_leftovers(processes, report)
            try:
                yield processes.fileno()
            finally:
                self.env.unlink(missing_ok=True)
                pid.truncate(0)

    def _wait_for_leftovers(self, processes: IO[Any], report: Callable[[str], None]) -> None:
        deadline = time.monotonic() + LEFTOVER_SECONDS
        reported = False
        while not _try_lock(processes, fcntl.LOCK_EX):
            if not reported:
                report("Waiting for the processes of a killed `mostread up` to end ...")
                reported = True
            if time.monotonic() > deadline:
                raise Misconfigured(
                    f"processes of an earlier `mostread up` still run on {self.path}; "
                    f"find them with: fuser -v {self._processes}"
                )
            time.sleep(0.05)

    def is_running(self) -> bool:
        """Return whether a `mostread up` runs on this directory."""
        if not self._pid.exists():
            return False
        with self._pid.open() as pid:
            return not _try_lock(pid, fcntl.LOCK_SH)

    def terminate(self) -> int | None:
        """Send SIGTERM to the running supervisor; return its process id, None if none runs."""
        pid = int(self._pid.read_text() or 0)
        try:
            handle = os.pidfd_open(pid)
        except OSError:
            return None
        try:
            # Checked with the handle open, which never refers to a later process of that id.
            if not self.is_running():
                return None
            signal.pidfd_send_signal(handle, signal.SIGTERM)
        finally:
            os.close(handle)
        return pid

    def wait_stopped(self, timeout: float) -> bool:
        """Wait until no `mostread up` runs here; return False after `timeout` seconds."""
        deadline = time.monotonic() + timeout
        while self.is_running():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.1)
        return True

    def write_env(self, settings: Mapping[str, str]) -> None:
        """Write the settings of the running stack in a form that `sh` can source."""
        lines = (f"{name}={shlex.quote(value)}\n" for name, value in sorted(settings.items()))
        _write_private(self.env, "".join(lines))

    def read_env(self) -> dict[str, str] | None:
        """Return the settings of the running stack, None without a readable one."""
        try:
            if not self.is_running():
                return None
            assignments = shlex.split(self.env.read_text())
        except OSError:
            return None
        return dict(each.split("=", 1) for each in assignments)


def load_or_create_secret(file: Path) -> str:
    """Return the secret in `file`; create it with a random one if it is missing."""
    try:
        return file.read_text().strip()
    except FileNotFoundError:
        secret = secrets.token_urlsafe(32)
    file.parent.mkdir(parents=True, exist_ok=True)
    _write_private(file, f"{secret}\n")
    return secret


def _write_private(file: Path, text: str) -> None:
    """Write a file atomically, readable by its owner only."""
    draft = file.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        out.write(text)
    draft.replace(file)


def _try_lock(file: IO[Any], kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
