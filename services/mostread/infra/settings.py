"""Base class of all settings, and settings that several rooms share."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "MOSTREAD_"


class Settings(BaseSettings):
    """Settings from environment variables.

    A secret (a field of type SecretStr) may be in a file instead, as containers and systemd
    provide them: MOSTREAD_X_FILE names the file that holds MOSTREAD_X.
    """

    # Error messages do not repeat rejected values, which may be secrets.
    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, hide_input_in_errors=True)

    @classmethod
    def secret_names(cls) -> Iterator[str]:
        """Yield the names of the fields that may be in files."""
        for name, field in cls.model_fields.items():
            if field.annotation is SecretStr:
                yield name

    @model_validator(mode="before")
    @classmethod
    def _read_secret_files(cls, values: dict[str, Any]) -> dict[str, Any]:
        secrets = {}
        for name in cls.secret_names():
            path = secret_file(name)
            if path is None:
                continue
            setting = variable(name)
            if values.get(name):
                raise ValueError(f"{setting} and {setting}_FILE are both set; keep one of them")
            secrets[name] = _read(path, f"{setting}_FILE")
        return {**values, **secrets}


def variable(name: str) -> str:
    """Return the environment variable of a field."""
    return f"{PREFIX}{name.upper()}"


def url_variable(service: str) -> str:
    """Return the variable that tells operator commands where a service responds."""
    return f"{PREFIX}{service.upper()}_URL"


def secret_file(name: str) -> Path | None:
    """Return the file that holds the secret `name`, None if none is configured."""
    path = os.environ.get(f"{variable(name)}_FILE", "")
    return Path(path) if path else None


def _read(path: Path, setting: str) -> str:
    try:
        text = path.read_text(encoding="utf-8").rstrip("\r\n")
    except OSError as error:
        raise ValueError(f"{setting}: {path} cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise ValueError(f"{setting}: {path} is not text in UTF-8") from None
    if not text:
        raise ValueError(f"{setting}: {path} is empty; write the secret into it")
    if "\n" in text or "\0" in text:
        raise ValueError(f"{setting}: {path} holds more than one line; write only the secret")
    return text


class CountingSettings(Settings):
    """Bounds on the timestamps of events."""

    aggregator_allowed_lateness_hours: int = Field(
        24,
        ge=1,
        le=24 * 30,
        description="Allowed lateness. An older event counts only in its article's total.",
    )
    aggregator_max_clock_skew_seconds: int = Field(
        60,
        ge=0,
        le=3600,
        description="Maximum clock skew. An event further in the future counts at the time when "
        "Kafka received it.",
    )

    @property
    def allowed_lateness_ms(self) -> int:
        return self.aggregator_allowed_lateness_hours * 3_600_000

    @property
    def max_clock_skew_ms(self) -> int:
        return self.aggregator_max_clock_skew_seconds * 1000


class DevstackSettings(Settings):
    """Settings of `mostread up` and `mostread demo`."""

    maven_repository: str = Field(
        "",
        pattern=r"^(https?://\S+)?$",
        description="Mirror of Maven Central to download Apache Kafka from, once. Empty: Maven "
        "Central.",
    )
