"""Kafka's errors as mostread's."""

import kafka.errors
import pytest

from mostread.errors import KafkaUnavailable, Misconfigured
from mostread.infra.kafka.config import KafkaSettings
from mostread.infra.kafka.errors import check_access, translate_error
from tests.support.servers import free_ports

SETTINGS = KafkaSettings(kafka_brokers="broker:9092")


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (kafka.errors.TopicAuthorizationFailedError("events"), "deploy/kafka/acls.sh"),
        (kafka.errors.SaslAuthenticationFailedError(), "check MOSTREAD_KAFKA_USERNAME"),
    ],
)
def test_missing_right_or_wrong_password_is_misconfigured(error: Exception, message: str) -> None:
    translated = translate_error(error, SETTINGS, "Kafka does not describe topics")

    assert isinstance(translated, Misconfigured)
    assert message in str(translated)


def test_failed_request_is_unavailable_with_its_failure() -> None:
    error = kafka.errors.KafkaTimeoutError("60 s")
    translated = translate_error(error, SETTINGS, "Kafka does not describe topics")

    assert isinstance(translated, KafkaUnavailable)
    assert str(translated).startswith("Kafka does not describe topics: KafkaTimeoutError")


def test_failed_connection_without_broker_names_the_addresses() -> None:
    brokers = f"127.0.0.1:{free_ports(1)[0]}"
    translated = translate_error(TimeoutError(), KafkaSettings(kafka_brokers=brokers))

    assert isinstance(translated, KafkaUnavailable)
    assert f"no broker answers at {brokers}" in str(translated)


def test_failed_connection_to_malformed_address_is_misconfigured() -> None:
    translated = translate_error(TimeoutError(), KafkaSettings(kafka_brokers="localhost"))

    assert isinstance(translated, Misconfigured)
    assert "MOSTREAD_KAFKA_BROKERS: 'localhost' is not in the form host:port" in str(translated)


def test_access_is_not_checked_in_plaintext() -> None:
    check_access(KafkaSettings(kafka_brokers="localhost"))
