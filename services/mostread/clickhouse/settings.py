"""Where ClickHouse is."""

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class ClickHouseSettings(BaseSettings):
    """Settings of every process that speaks to ClickHouse."""

    model_config = SettingsConfigDict(env_prefix="MOSTREAD_", frozen=True)

    clickhouse_url: str = Field(
        "http://127.0.0.1:8083",
        pattern=r"^https?://[^/]+/?$",
        description="The HTTP interface: http://host:port or https://host:port.",
    )
    clickhouse_user: str = Field("default", description="Who connects.")
    clickhouse_password: SecretStr = Field(SecretStr(""), description="The user's password.")
    clickhouse_database: str = Field(
        "mostread",
        pattern=r"^[A-Za-z_][A-Za-z0-9_]*$",
        description="The database of all tables; `mostread init` creates it.",
    )
    clickhouse_timeout_seconds: float = Field(
        30.0, gt=0, description="How long one query or insert may take before it is tried again."
    )
