"""A data folder: what lies where, who holds it, and which processes run on it."""

import fcntl
import json
import os
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mostread.devstack.process import Identity
from mostread.errors import Misconfigured

ORPHAN_TIMEOUT = 60.0


class DataFolder:
    """The folder of one stack; only one `mostread up` holds it at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.kafka = self.path / "kafka"
        self.clickhouse = self.path / "clickhouse"
        self.tokens = self.path / "tokens"
        self.cms_token = self.path / "cms-token"
        self.editor_token = self.path / "editor-token"
        self.canary_token = self.path / "canary-token"
        self.visitor_secret = self.path / "visitor-secret"
        self._lock = self.path / "up.lock"
        self._processes = self.path / "processes.json"

    def log(self, name: str) -> Path:
        """Return where a service's output goes."""
        return self.path / "logs" / f"{name}.log"

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the folder; raises Misconfigured if another process does.

        The kernel lets go when the holder ends, however it ends: no lock outlives its process.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        with self._lock.open("a+") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                holder = self.holder()
                raise Misconfigured(
                    f"{self.path} is in use by a running `mostread up`"
                    f"{f' (process {holder.pid})' if holder else ''}; stop it with "
                    f"`mostread down --data {self.path}`, or choose another folder with --data"
                ) from None
            lock.truncate(0)
            lock.write(json.dumps(_as_json(Identity.of_self())))
            lock.flush()
            yield
            lock.truncate(0)

    def is_held(self) -> bool:
        """Whether a `mostread up` runs on this folder."""
        if not self._lock.exists():
            return False
        with self._lock.open() as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    def holder(self) -> Identity | None:
        """Return the process that holds the folder, if it lives."""
        try:
            identity = _from_json(json.loads(self._lock.read_text()))
        except (OSError, ValueError):
            return None
        return identity if identity.is_alive() else None

    def remember(self, pids: Mapping[str, int]) -> None:
        """Write down which processes run, in the order they started."""
        known = {name: Identity.of(pid) for name, pid in pids.items()}
        document = {name: _as_json(identity) for name, identity in known.items() if identity}
        draft = self._processes.with_suffix(".draft")
        draft.write_text(json.dumps(document))
        draft.replace(self._processes)

    def processes(self) -> dict[str, Identity]:
        """Return the processes that were written down and live, in the order they started."""
        try:
            document = json.loads(self._processes.read_text())
        except FileNotFoundError:
            return {}
        found = {name: _from_json(fields) for name, fields in document.items()}
        return {name: identity for name, identity in found.items() if identity.is_alive()}

    def end_orphans(self, report: Callable[[str], None]) -> None:
        """End what a killed `mostread up` left running: what was written down and still lives.

        A process that has a remembered number but started at another time is a stranger.
        """
        for name, identity in reversed(self.processes().items()):
            report(f"Ending {name} (process {identity.pid}), left over from an earlier run ...")
            identity.end(ORPHAN_TIMEOUT)
        self._processes.unlink(missing_ok=True)

    def wait_released(self, timeout: float) -> bool:
        """Wait until nobody holds the folder; False if that takes longer than `timeout`."""
        deadline = time.monotonic() + timeout
        while self.is_held():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.1)
        return True


def _as_json(identity: Identity) -> dict[str, int | str]:
    return {"pid": identity.pid, "started": identity.started}


def _from_json(fields: Mapping[str, object]) -> Identity:
    return Identity(int(str(fields["pid"])), str(fields["started"]))


def kept_secret(file: Path) -> str:
    """Return the secret in `file`; where there is no such file, make both."""
    try:
        return file.read_text().strip()
    except FileNotFoundError:
        secret = secrets.token_urlsafe(32)
    file.parent.mkdir(parents=True, exist_ok=True)
    # Complete and readable by its owner alone from the first moment it has its name.
    draft = file.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        out.write(f"{secret}\n")
    draft.replace(file)
    return secret


_PLACES = ("MOSTREAD_KAFKA_BROKERS", "MOSTREAD_CLICKHOUSE_URL")
_SERVICES = ("collector", "aggregator", "ranking")


@dataclass(frozen=True)
class Running:
    """A stack that runs on `folder`: the settings of its services, and where these answer."""

    folder: Path
    settings: Mapping[str, str]
    addresses: Mapping[str, str]
    """By the name of the process: of several aggregators each has its own."""

    def adopt(self, environment: MutableMapping[str, str]) -> bool:
        """Add the stack's settings to those of `environment`, which go first.

        Nothing is added, and the answer is False, where these name another Kafka or ClickHouse:
        one half of a way would say nothing about the other.
        """
        for name in _PLACES:
            if environment.get(name, self.settings[name]) != self.settings[name]:
                return False
        for name, value in self.settings.items():
            environment.setdefault(name, value)
        return True


def running(folder: DataFolder) -> Running | None:
    """Return the stack that runs on a folder; None if there is none, or it is another user's."""
    if not folder.is_held():
        return None
    settings: dict[str, str] = {}
    addresses: dict[str, str] = {}
    for name, identity in folder.processes().items():
        its = _settings_of(identity)
        service = name.partition("-")[0]
        if service in _SERVICES and (port := its.get(f"MOSTREAD_{service.upper()}_PORT")):
            addresses[name] = f"http://127.0.0.1:{port}"
        settings = {**its, **settings}
    if not all(name in settings for name in _PLACES):
        return None
    return Running(folder.path, settings, addresses)


def _settings_of(identity: Identity) -> dict[str, str]:
    try:
        text = Path(f"/proc/{identity.pid}/environ").read_bytes()
    except OSError:
        return {}
    pairs = (os.fsdecode(pair).partition("=") for pair in text.split(b"\0"))
    return {name: value for name, _, value in pairs if name.startswith("MOSTREAD_")}
