"""Where ClickHouse is, and how it is spoken to."""

from typing import Self

from pydantic import Field, SecretStr, field_validator, model_validator

from mostread.infra.settings import Settings
from mostread.infra.tls import SettingNames, TlsFiles

NAMES = SettingNames("MOSTREAD_CLICKHOUSE", "MOSTREAD_CLICKHOUSE_URL")


class ClickHouseSettings(Settings):
    """Settings of every process that speaks to ClickHouse."""

    clickhouse_url: str = Field(
        "http://127.0.0.1:8083",
        pattern=r"^https?://[^/]+/?$",
        description="The HTTP interface: http://host:port or https://host:port.",
    )
    clickhouse_user: str = Field("default", description="Who connects.")
    clickhouse_password: SecretStr = Field(SecretStr(""), description="The user's password.")
    clickhouse_ca_file: str = Field(
        "",
        description="A file (PEM) with the certificates of who signed ClickHouse's; empty: whom "
        "the system trusts.",
    )
    clickhouse_cert_file: str = Field(
        "",
        description="A file (PEM) with our own certificate; without a password it says who we are.",
    )
    clickhouse_key_file: str = Field(
        "", description="A file (PEM) with its key; empty: the key is in the same file."
    )
    clickhouse_database: str = Field(
        "mostread",
        pattern=r"^[A-Za-z_][A-Za-z0-9_]*$",
        description="The database of all tables; `mostread init` creates it.",
    )
    clickhouse_timeout_seconds: float = Field(
        30.0, gt=0, description="How long one query or insert may take before it is tried again."
    )
    clickhouse_cluster: str = Field(
        "",
        pattern=r"^[A-Za-z0-9_.-]*$",
        description="A cluster of one shard, on whose replicas all tables are; empty: one server.",
    )

    @property
    def clickhouse_tls(self) -> TlsFiles:
        return TlsFiles(
            NAMES,
            self.clickhouse_ca_file,
            self.clickhouse_cert_file,
            self.clickhouse_key_file,
        )

    @field_validator("clickhouse_url")
    @classmethod
    def _no_user_in_an_address(cls, value: str) -> str:
        if "@" in value:
            raise ValueError(
                "it holds an address only; a user goes into MOSTREAD_CLICKHOUSE_USER and _PASSWORD"
            )
        return value

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        self.clickhouse_tls.check(
            encrypts=self.clickhouse_url.startswith("https:"),
            because="MOSTREAD_CLICKHOUSE_URL does not begin with https",
        )
        return self
