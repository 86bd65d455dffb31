"""How every client of Kafka connects: kafka-python's and aiokafka's, and Faust's."""

from typing import Any

from mostread.infra.kafka.config import KafkaSettings


def connection(settings: KafkaSettings) -> dict[str, Any]:
    """Return the arguments by which a client of kafka-python or aiokafka connects.

    Both have the same names for them. Whoever makes a client passes these on: one that lacks
    them would speak in the clear. Raises Misconfigured where a file has become unreadable.
    """
    return {"bootstrap_servers": settings.bootstrap_servers, **security(settings)}


def security(settings: KafkaSettings) -> dict[str, Any]:
    """Return those of them that say how, without those that say where."""
    found: dict[str, Any] = {"security_protocol": settings.kafka_security_protocol}
    if settings.kafka_encrypts:
        found["ssl_context"] = settings.kafka_tls.context()
    if settings.kafka_asks_for_user:
        found["sasl_mechanism"] = settings.kafka_sasl_mechanism
        found["sasl_plain_username"] = settings.kafka_username
        found["sasl_plain_password"] = settings.kafka_password.get_secret_value()
    return found
