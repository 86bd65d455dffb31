"""Settings of all services with their effective values."""

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
from mostread.infra.settings import DevstackSettings, Settings, secret_file, url_variable, variable
from mostread.ops.articles.config import ArticlesSettings
from mostread.ops.bootstrap import InitSettings
from mostread.ops.canary.config import CanarySettings
from mostread.ops.notify.config import NotifySettings
from mostread.ranking.config import RankingSettings

SERVICES: dict[str, type[Settings]] = {
    "init": InitSettings,
    "collector": CollectorSettings,
    "aggregator": AggregatorSettings,
    "ranking": RankingSettings,
    "canary": CanarySettings,
    "articles": ArticlesSettings,
    "notify": NotifySettings,
    "up": DevstackSettings,
}
MASK = "********"


@dataclass(frozen=True)
class Setting:
    """One setting; `value` and `default` as written in the environment.

    `file` is the secret file that the value came from, if any.
    """

    name: str
    description: str
    value: str
    default: str
    services: tuple[str, ...]
    file: Path | None


def effective() -> list[Setting]:
    """Return each setting once, grouped by the services that read it, with secrets masked.

    Raises pydantic.ValidationError for an invalid value in the environment.
    """
    read_by: dict[str, tuple[str, ...]] = {}
    fields: dict[str, tuple[FieldInfo, Any]] = {}
    for service, settings_class in SERVICES.items():
        settings = settings_class()
        for name, field in settings_class.model_fields.items():
            read_by[name] = (*read_by.get(name, ()), service)
            fields[name] = (field, getattr(settings, name))
    return sorted(
        (
            Setting(
                variable(name),
                field.description or "",
                _format(value, secret=not field.repr),
                _format(field.default, secret=False),
                read_by[name],
                secret_file(name) if field.annotation is SecretStr else None,
            )
            for name, (field, value) in fields.items()
        ),
        key=lambda setting: -len(setting.services),
    )


def _format(value: Any, *, secret: bool) -> str:
    if isinstance(value, SecretStr):
        value, secret = value.get_secret_value(), True
    if isinstance(value, BaseModel):
        return orjson.dumps(value.model_dump()).decode()
    return MASK if secret and value else str(value)


def known_variables() -> set[str]:
    """Return the environment variables of all settings."""
    names = {"MOSTREAD_TRACEBACK", *map(url_variable, ("collector", "aggregator", "ranking"))}
    for settings_class in SERVICES.values():
        names |= {variable(name) for name in settings_class.model_fields}
        names |= {f"{variable(name)}_FILE" for name in settings_class.secret_names()}
    return names


def unknown_variables() -> Iterator[str]:
    """Yield an error for each MOSTREAD_ variable that is not a setting."""
    names = known_variables()
    for name in sorted(os.environ):
        if name.startswith("MOSTREAD_") and name not in names:
            similar = difflib.get_close_matches(name, names, n=1, cutoff=0.8)
            hint = f"; did you mean {similar[0]}?" if similar else ""
            yield f"{name} is set but is not a setting{hint}"
