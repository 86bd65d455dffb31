"""Where the stack of a data folder is while it runs: its settings, as its own processes have them.

They are read from the processes themselves, so that nothing is written down that could be old,
and no secret at all.
"""

import os
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from pathlib import Path

from mostread.devstack.data_dir import DataFolder
from mostread.devstack._m_local_identity import Identity

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
