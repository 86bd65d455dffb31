"""`mostread config`: every setting there is, with the value it has here."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import click
import orjson
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from mostread.aggregator.settings import AggregatorSettings
from mostread.collector.settings import CollectorSettings
from mostread.init import InitSettings
from mostread.ranking.settings import RankingSettings

SERVICES: dict[str, type[BaseSettings]] = {
    "init": InitSettings,
    "collector": CollectorSettings,
    "aggregator": AggregatorSettings,
    "ranking": RankingSettings,
}
MASK = "********"


@dataclass(frozen=True)
class Setting:
    """One setting; `value` and `default` as they are written in the environment."""

    name: str
    description: str
    value: str
    default: str
    services: tuple[str, ...]


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
                f"MOSTREAD_{name.upper()}",
                field.description or "",
                _written(value, secret=not field.repr),
                _written(field.default, secret=False),
                read_by[name],
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


def _unknown() -> Iterator[str]:
    """Names in the environment that look like a setting and are none: a slip of the pen."""
    known = {f"MOSTREAD_{name.upper()}" for each in SERVICES.values() for name in each.model_fields}
    known.add("MOSTREAD_TRACEBACK")
    yield from sorted(
        name for name in os.environ if name.startswith("MOSTREAD_") and name not in known
    )


@click.command()
def config() -> None:
    """Print every setting with its value here; secrets are masked."""
    for setting in effective():
        click.echo(f"# {', '.join(setting.services)}: {setting.description}")
        click.echo(f"{setting.name}={setting.value}\n")
    for name in _unknown():
        click.echo(f"mostread: {name} is set, and there is no such setting", err=True)
