"""Collect the settings of every service, with their effective values."""

import difflib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from mostread.aggregator.config import AggregatorSettings
from mostread.collector.config import CollectorSettings
from mostread.infra.settings import DevstackSettings, Settings, secret_file, variable
from mostread.ops.bootstrap import InitSettings
from mostread.ops.canary.config import CanarySettings
from mostread.ranking.config import RankingSettings

SERVICES: dict[str, type[Settings]] = {
    "init": InitSettings,
    "collector": CollectorSettings,
    "aggregator": AggregatorSettings,
    "ranking": RankingSettings,
    "canary": CanarySettings,
    "up": DevstackSettings,
}
MASK = "********"


@dataclass(frozen=True)
class Setting:
    """One setting; `value` and `default` as they are written in the environment.

    `file` is where its value was read, None where that was the environment.
    """

    name: str
    description: str
    value: str
    default: str
    services: tuple[str, ...]
    file: Path | None


def effective() -> list[Setting]:
    """Return each setting once, those of the same services side by side, secrets masked.

    Raises pydantic.ValidationError where the environment holds a value that is not allowed.
    """
    read_by: dict[str, tuple[str, ...]] = {}
    found: dict[str, tuple[FieldInfo, Any]] = {}
    for service, settings_class in SERVICES.items():
        settings = settings_class()
        for name, field in settings_class.model_fields.items():
            read_by[name] = (*read_by.get(name, ()), service)
            found[name] = (field, getattr(settings, name))
    return sorted(
        (
            Setting(
                variable(name),
                field.description or "",
                _written(value, secret=not field.repr),
                _written(field.default, secret=False),
                read_by[name],
                secret_file(name) if field.annotation is SecretStr else None,
            )
            for name, (field, value) in found.items()
        ),
        key=lambda setting: -len(setting.services),
    )


def _written(value: Any, *, secret: bool) -> str:
    if isinstance(value, SecretStr):
        value, secret = value.get_secret_value(), True
    if isinstance(value, BaseModel):
        return orjson.dumps(value.model_dump()).decode()
    return MASK if secret and value else str(value)


def known() -> set[str]:
    """Return the names of all settings, as they are written in the environment."""
    names = {"MOSTREAD_TRACEBACK"}
    for each in SERVICES.values():
        names |= {variable(name) for name in each.model_fields}
        names |= {f"{variable(name)}_FILE" for name in each.secret_names()}
    return names


def unknown() -> Iterator[str]:
    """Say of each name in the environment that looks like a setting, and is none, what is meant."""
    names = known()
    for name in sorted(os.environ):
        if name.startswith("MOSTREAD_") and name not in names:
            alike = difflib.get_close_matches(name, names, n=1, cutoff=0.8)
            meant = f"; did you mean {alike[0]}?" if alike else ""
            yield f"{name} is set, and there is no such setting{meant}"
