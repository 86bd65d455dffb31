"""Settings of `mostread notify`."""

from typing import Literal, Self

from pydantic import Field, SecretStr, model_validator

from mostread.infra.http.config import ServiceSettings, ServiceUrl
from mostread.infra.tls import SettingNames, TlsFiles

MAIL_ADDRESS = r"[\x21-\x3f\x41-\x7e]{1,64}@[A-Za-z0-9.-]{1,255}"
"""Pattern of mail addresses, in ASCII."""

SMTP_NAMES = SettingNames("MOSTREAD_NOTIFY_SMTP", "MOSTREAD_NOTIFY_SMTP_HOST")


class NotifySettings(ServiceSettings):
    """Settings of `mostread notify`."""

    notify_host: str = Field("127.0.0.1", description="Address to listen on.")
    notify_port: int = Field(
        8088, ge=1, le=65535, description="Port for metrics and health checks."
    )
    notify_subscriptions_file: str = Field(
        "",
        description="TOML file with the subscriptions: alerts and digests, and where to send them. "
        "It holds secret addresses of webhooks, so only this service should be able to read it.",
    )
    notify_state_file: str = Field(
        ".mostread/notify.sqlite3",
        description="SQLite file that records the alerts and digests sent. Keep it on a local disk "
        "that survives restarts; only one process can use it.",
    )
    notify_ranking_url: ServiceUrl = Field(
        "http://127.0.0.1:8080", description="Ranking service to read lists and totals from."
    )
    notify_public_url: str = Field(
        "",
        pattern=r"^(https?://[^\s?#]+)?$",
        description="Public URL of the ranking service, for links in messages; empty: "
        "MOSTREAD_NOTIFY_RANKING_URL.",
    )
    notify_token: SecretStr = Field(
        SecretStr(""),
        description="Token with the role editor, if the ranking service asks for one: `mostread "
        "token create notify --role editor`.",
    )
    notify_interval_seconds: float = Field(
        60, ge=1, le=3600, description="Seconds between two checks of the lists."
    )
    notify_timeout_seconds: float = Field(
        20,
        ge=1,
        le=120,
        description="Seconds for one response of the ranking service or of a webhook, and for "
        "each step with the mail server.",
    )
    notify_smtp_host: str = Field(
        "", description="Mail server that accepts mail for the subscribers; empty: no mail."
    )
    notify_smtp_port: int = Field(587, ge=1, le=65535, description="Port of the mail server.")
    notify_smtp_security: Literal["starttls", "tls", "none"] = Field(
        "starttls",
        description="starttls: encrypt after a plain greeting (usual on 587); tls: from the start "
        "(465); none: do not encrypt.",
    )
    notify_smtp_ca_file: str = Field(
        "", description="CA certificates in PEM to verify the mail server; empty: the system's."
    )
    notify_smtp_user: str = Field("", description="User of the mail server; empty: no sign-in.")
    notify_smtp_password: SecretStr = Field(
        SecretStr(""), description="Password of that user; sent over TLS only."
    )
    notify_smtp_from: str = Field(
        "",
        pattern=f"^({MAIL_ADDRESS})?$",
        description="Sender of mail, such as mostread@news.example.",
    )

    @model_validator(mode="after")
    def _check_mail(self) -> Self:
        encrypts = self.notify_smtp_security != "none"
        self.smtp_tls.check(
            encrypts=encrypts, because="MOSTREAD_NOTIFY_SMTP_SECURITY is none; set starttls or tls"
        )
        if self.notify_smtp_host and not self.notify_smtp_from:
            raise ValueError("mail needs a sender; set MOSTREAD_NOTIFY_SMTP_FROM")
        if self.notify_smtp_user and not encrypts:
            raise ValueError(
                "the password would be sent unencrypted; set MOSTREAD_NOTIFY_SMTP_SECURITY to "
                "starttls or tls"
            )
        return self

    @property
    def smtp_tls(self) -> TlsFiles:
        return TlsFiles(SMTP_NAMES, self.notify_smtp_ca_file, "", "")

    @property
    def public_url(self) -> str:
        """URL of the pages, with a slash at its end."""
        return (self.notify_public_url or self.notify_ranking_url).rstrip("/") + "/"
