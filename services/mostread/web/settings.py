"""Settings that every HTTP service shares."""

from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class ServiceSettings(BaseSettings):
    """How a service speaks of itself."""

    model_config = SettingsConfigDict(env_prefix="MOSTREAD_", frozen=True)

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="The least that is logged: DEBUG, INFO, WARNING or ERROR."
    )
