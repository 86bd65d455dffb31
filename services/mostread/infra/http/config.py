"""Settings that all HTTP services share."""

import ssl
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from mostread.errors import Misconfigured
from mostread.infra.settings import Settings
from mostread.infra.tls import load_certificate


def _service_url(value: str) -> str:
    if not value.startswith(("http://", "https://")):
        raise ValueError("not a URL; write http://host:port, like http://127.0.0.1:8081")
    return value.rstrip("/")


ServiceUrl = Annotated[str, AfterValidator(_service_url)]
"""The URL of a service of mostread, without a slash at its end."""


class ServiceSettings(Settings):
    """Logging, identity, connection limits and TLS of a service."""

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="Minimum level of log lines: DEBUG, INFO, WARNING or ERROR."
    )
    revision: str = Field(
        "",
        pattern=r"^[A-Za-z0-9._+-]{0,64}$",
        description="Revision of the source that the service is built from, which the metric "
        "mostread_build_info names; set by the image.",
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
        description="Maximum bytes of incomplete request bodies, per process; each counts 10 KiB "
        "more. At the limit, the service refuses those that began first.",
    )
    http_cert_file: str = Field(
        "",
        description="File with the TLS certificate and its chain in PEM; empty means HTTP.",
    )
    http_key_file: str = Field(
        "", description="File with the unencrypted private key of the TLS certificate in PEM."
    )

    @model_validator(mode="after")
    def _check_tls(self) -> Self:
        cert_file, key_file = self.http_cert_file, self.http_key_file
        if bool(cert_file) != bool(key_file):
            raise ValueError(
                "TLS needs a certificate and its key; set both MOSTREAD_HTTP_CERT_FILE "
                "and MOSTREAD_HTTP_KEY_FILE"
            )
        if cert_file:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            try:
                load_certificate(context, "MOSTREAD_HTTP", cert_file, key_file)
            except Misconfigured as error:
                raise ValueError(str(error)) from error
        return self
