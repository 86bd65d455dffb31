"""What all settings have in common: their prefix, and that a secret may lie in a file."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "MOSTREAD_"


class Settings(BaseSettings):
    """Settings from the environment.

    A secret, which is whatever is a SecretStr, may lie in a file instead, as containers and
    systemd hand them out: MOSTREAD_X_FILE names the file that holds MOSTREAD_X.
    """

    # Where a value is refused, its text is not said again: it may be a secret.
    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, hide_input_in_errors=True)

    @classmethod
    def secret_names(cls) -> Iterator[str]:
        """Yield the names of the fields that may lie in files."""
        for name, field in cls.model_fields.items():
            if field.annotation is SecretStr:
                yield name

    @model_validator(mode="before")
    @classmethod
    def _read_secret_files(cls, values: dict[str, Any]) -> dict[str, Any]:
        found = {}
        for name in cls.secret_names():
            path = secret_file(name)
            if path is None:
                continue
            setting = variable(name)
            if values.get(name):
                raise ValueError(f"{setting} and {setting}_FILE are both set; keep one of them")
            found[name] = _read(path, f"{setting}_FILE")
        return {**values, **found}


def variable(name: str) -> str:
    """Return what a field is called in the environment."""
    return f"{PREFIX}{name.upper()}"


def secret_file(name: str) -> Path | None:
    """Return the file that holds the secret `name`; None where none is named."""
    path = os.environ.get(f"{variable(name)}_FILE", "")
    return Path(path) if path else None


def _read(path: Path, setting: str) -> str:
    try:
        text = path.read_text(encoding="utf-8").rstrip("\r\n")
    except OSError as error:
        raise ValueError(f"{setting}: {path} cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise ValueError(f"{setting}: {path} is no text in UTF-8") from None
    if not text:
        raise ValueError(f"{setting}: {path} is empty; write the secret into it")
    if "\n" in text or "\0" in text:
        raise ValueError(f"{setting}: {path} holds more than one line; write only the secret")
    return text


class CountingSettings(Settings):
    """Which events are late, and which come from the future."""

    aggregator_allowed_lateness_hours: int = Field(
        24, ge=1, le=24 * 30, description="An older event counts in its article's total only."
    )
    aggregator_max_clock_skew_seconds: int = Field(
        60, ge=0, le=3600, description="An event further ahead counts when it was received."
    )

    @property
    def late_ms(self) -> int:
        return self.aggregator_allowed_lateness_hours * 3_600_000

    @property
    def future_ms(self) -> int:
        return self.aggregator_max_clock_skew_seconds * 1000


class DevstackSettings(Settings):
    """Settings of `mostread up` and `mostread demo`."""

    maven_repository: str = Field(
        "",
        pattern=r"^(https?://\S+)?$",
        description="A mirror of Maven Central, from which Apache Kafka is fetched, once; empty: "
        "Maven Central itself.",
    )
