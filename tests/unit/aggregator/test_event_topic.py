"""aiokafka's errors as mostread's."""

import aiokafka.errors
import pytest

from mostread.aggregator.stream.event_topic import translate_aiokafka_error
from mostread.errors import KafkaUnavailable, Misconfigured
from mostread.infra.kafka.config import KafkaSettings

SETTINGS = KafkaSettings(kafka_brokers="broker:9092")


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (aiokafka.errors.GroupAuthorizationFailedError("group"), "deploy/kafka/acls.sh"),
        (aiokafka.errors.AuthenticationFailedError(), "check MOSTREAD_KAFKA_USERNAME"),
    ],
)
def test_missing_right_or_wrong_password_is_misconfigured(error: Exception, message: str) -> None:
    translated = translate_aiokafka_error(error, SETTINGS, "cannot read events/0")

    assert isinstance(translated, Misconfigured)
    assert message in str(translated)


def test_failed_request_is_unavailable_with_its_failure() -> None:
    error = aiokafka.errors.KafkaTimeoutError("60 s")
    translated = translate_aiokafka_error(error, SETTINGS, "cannot read events/0")

    assert isinstance(translated, KafkaUnavailable)
    assert str(translated).startswith("cannot read events/0: KafkaTimeoutError")
