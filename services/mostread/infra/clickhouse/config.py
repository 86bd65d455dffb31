"""Settings of the connection to ClickHouse."""

from typing import Self

from pydantic import Field, SecretStr, field_validator, model_validator

from mostread.infra.settings import Settings
from mostread.infra.tls import SettingNames, TlsFiles

NAMES = SettingNames("MOSTREAD_CLICKHOUSE", "MOSTREAD_CLICKHOUSE_URL")


class ClickHouseSettings(Settings):
    """Settings of every process that connects to ClickHouse."""

    clickhouse_url: str = Field(
        "http://127.0.0.1:8083",
        pattern=r"^https?://[^/]+/?$",
        description="URL of the HTTP interface: http://host:port or https://host:port.",
    )
    clickhouse_user: str = Field("default", description="User.")
    clickhouse_password: SecretStr = Field(SecretStr(""), description="Password of the user.")
    clickhouse_ca_file: str = Field(
        "",
        description="PEM file with the CA certificates that sign ClickHouse's. Empty: the system's "
        "CAs.",
    )
    clickhouse_cert_file: str = Field(
        "",
        description="PEM file with a client certificate, which identifies the user if the password "
        "is empty.",
    )
    clickhouse_key_file: str = Field(
        "", description="PEM file with the client certificate's key. Empty: it is in the same file."
    )
    clickhouse_database: str = Field(
        "mostread",
        pattern=r"^[A-Za-z_][A-Za-z0-9_]*$",
        description="Database of all tables, created by `mostread init`.",
    )
    clickhouse_timeout_seconds: float = Field(
        30.0, gt=0, description="Timeout of a query or an insert, which is then retried."
    )
    clickhouse_max_memory_bytes: int = Field(
        0,
        ge=0,
        description="Maximum memory of one query or insert at the server, in bytes; 0: that of the "
        "user's settings profile.",
    )
    clickhouse_max_threads: int = Field(
        0,
        ge=0,
        le=1024,
        description="Maximum threads of one query at the server; 0: those of the user's settings "
        "profile.",
    )
    clickhouse_cluster: str = Field(
        "",
        pattern=r"^[A-Za-z0-9_.-]*$",
        description="Cluster of one shard whose replicas hold all tables. Empty: one server.",
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
                "the address may not contain a user; set MOSTREAD_CLICKHOUSE_USER and _PASSWORD"
            )
        return value

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        self.clickhouse_tls.check(
            encrypts=self.clickhouse_url.startswith("https:"),
            because="MOSTREAD_CLICKHOUSE_URL does not start with https",
        )
        return self
