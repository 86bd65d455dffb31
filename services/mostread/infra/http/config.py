"""Settings that all HTTP services share."""

import os
from typing import Literal, Self

from pydantic import Field, model_validator

from mostread.infra.settings import Settings


class ServiceSettings(Settings):
    """Logging and connection limits of a service."""

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="Minimum level of log lines: DEBUG, INFO, WARNING or ERROR."
    )
    http_max_connections: int = Field(
        10_000,
        ge=10,
        le=1_000_000,
        description="Maximum connections per process. Near the limit, the service closes those "
        "that have been silent longest.",
    )
    http_client_timeout_seconds: float = Field(
        75,
        ge=1,
        le=3600,
        description="Time a client has to send a request, to read a response, or to use an idle "
        "connection again. Give a proxy a shorter idle timeout.",
    )
    http_max_buffered_bytes: int = Field(
        64 << 20,
        ge=4 << 20,
        description="Maximum bytes of incomplete request bodies, per process. At the limit, the "
        "service refuses those that began first.",
    )
    http_cert_file: str = Field(
        "",
        description="File with the TLS certificate and its chain in PEM; empty means HTTP.",
    )
    http_key_file: str = Field(
        "", description="File with the private key of the TLS certificate in PEM."
    )

    @model_validator(mode="after")
    def _check_tls(self) -> Self:
        for name in (self.http_cert_file, self.http_key_file):
            if name and not os.access(name, os.R_OK):
                raise ValueError(f"cannot read {name}; name a file in PEM that this user can read")
        if bool(self.http_cert_file) != bool(self.http_key_file):
            raise ValueError(
                "TLS needs a certificate and its key; set both MOSTREAD_HTTP_CERT_FILE "
                "and MOSTREAD_HTTP_KEY_FILE"
            )
        return self
