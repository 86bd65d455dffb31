"""Settings of the connection to Kafka."""

from typing import Any, Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator

from mostread.infra.settings import Settings
from mostread.infra.tls import SettingNames, TlsFiles

NAMES = SettingNames("MOSTREAD_KAFKA", "MOSTREAD_KAFKA_BROKERS")


class KafkaSettings(Settings):
    """Settings of every process that connects to Kafka."""

    kafka_brokers: str = Field(
        "127.0.0.1:8084", description="Bootstrap brokers as host:port, separated by commas."
    )
    kafka_topic_prefix: str = Field(
        "engagement.", description="Prefix of the names of the three topics."
    )
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT",
        description="As Kafka names it: SSL is TLS, SASL a user with a password, SASL_SSL both.",
    )
    kafka_ca_file: str = Field(
        "",
        description="PEM file with the CA certificates that sign the brokers'. Empty: the system's "
        "CAs.",
    )
    kafka_cert_file: str = Field(
        "", description="PEM file with a client certificate, for brokers that require one."
    )
    kafka_key_file: str = Field(
        "", description="PEM file with the client certificate's key. Empty: it is in the same file."
    )
    kafka_sasl_mechanism: Literal["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"] = Field(
        "SCRAM-SHA-512",
        description="SASL mechanism: SCRAM-SHA-512, SCRAM-SHA-256 or PLAIN.",
    )
    kafka_username: str = Field("", description="User for SASL.")
    kafka_password: SecretStr = Field(SecretStr(""), description="Password for SASL.")

    @property
    def bootstrap_servers(self) -> list[str]:
        return [broker.strip() for broker in self.kafka_brokers.split(",") if broker.strip()]

    @property
    def kafka_encrypts(self) -> bool:
        return self.kafka_security_protocol.endswith("SSL")

    @property
    def kafka_uses_sasl(self) -> bool:
        return self.kafka_security_protocol.startswith("SASL")

    @property
    def kafka_tls(self) -> TlsFiles:
        return TlsFiles(
            NAMES,
            self.kafka_ca_file,
            self.kafka_cert_file,
            self.kafka_key_file,
        )

    @property
    def events_topic(self) -> str:
        return f"{self.kafka_topic_prefix}events"

    @property
    def articles_topic(self) -> str:
        return f"{self.kafka_topic_prefix}articles"

    @property
    def dead_letters_topic(self) -> str:
        return f"{self.kafka_topic_prefix}dead-letters"

    @property
    def topic_names(self) -> tuple[str, str, str]:
        """The names of the three topics."""
        return self.events_topic, self.articles_topic, self.dead_letters_topic

    @field_validator("kafka_brokers")
    @classmethod
    def _no_user_in_an_address(cls, value: str) -> str:
        if "@" in value:
            raise ValueError(
                "an address may not contain a user; set MOSTREAD_KAFKA_USERNAME and _PASSWORD"
            )
        return value

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        protocol = f"MOSTREAD_KAFKA_SECURITY_PROTOCOL={self.kafka_security_protocol}"
        self.kafka_tls.check(
            encrypts=self.kafka_encrypts,
            because=f"{protocol} does not encrypt; set it to SSL or SASL_SSL",
        )
        user, password = self.kafka_username, self.kafka_password.get_secret_value()
        if self.kafka_uses_sasl and not (user and password):
            raise ValueError(f"{protocol} needs MOSTREAD_KAFKA_USERNAME and _PASSWORD")
        if (user or password) and not self.kafka_uses_sasl:
            raise ValueError(
                f"MOSTREAD_KAFKA_USERNAME and _PASSWORD have no effect: {protocol} uses no SASL; "
                f"set it to SASL_{'SSL' if self.kafka_encrypts else 'SSL or SASL_PLAINTEXT'}"
            )
        return self


def client_options(settings: KafkaSettings) -> dict[str, Any]:
    """Return the connection arguments of a kafka-python or aiokafka client.

    Both libraries use the same names. Every client must be created with them, since it would
    otherwise connect in plaintext. Raises Misconfigured if a file has become unreadable.
    """
    return {"bootstrap_servers": settings.bootstrap_servers, **security_options(settings)}


def security_options(settings: KafkaSettings) -> dict[str, Any]:
    """Return the client options for TLS and SASL, without the addresses."""
    options: dict[str, Any] = {"security_protocol": settings.kafka_security_protocol}
    if settings.kafka_encrypts:
        options["ssl_context"] = settings.kafka_tls.context()
    if settings.kafka_uses_sasl:
        options["sasl_mechanism"] = settings.kafka_sasl_mechanism
        options["sasl_plain_username"] = settings.kafka_username
        options["sasl_plain_password"] = settings.kafka_password.get_secret_value()
    return options
