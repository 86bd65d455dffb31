"""Why Kafka did not do it, told apart by what one can do about it."""

import aiokafka.errors
from kafka.errors import AuthorizationError, SaslAuthenticationFailedError

from mostread.errors import KafkaUnavailable, Misconfigured, MostreadError
from mostread.infra.kafka.config import KafkaSettings
from mostread.infra.kafka.diagnostics import NOT_KNOWN, diagnose

# kafka-python's, and aiokafka's of the same errors.
_NO_RIGHT = (
    AuthorizationError,
    aiokafka.errors.ClusterAuthorizationFailedError,
    aiokafka.errors.GroupAuthorizationFailedError,
    aiokafka.errors.TopicAuthorizationFailedError,
)
_SASL_FAILED = (
    SaslAuthenticationFailedError,
    aiokafka.errors.AuthenticationFailedError,
    aiokafka.errors.SaslAuthenticationFailed,
)


def check_access(settings: KafkaSettings) -> None:
    """Raise Misconfigured where the brokers would not let us in.

    What kafka-python would find out only after seconds, and not say. In the clear nothing is
    asked: a client is told of nothing there that could be wrong. Blocks.
    """
    if settings.kafka_security_protocol != "PLAINTEXT" and (found := diagnose(settings)):
        raise Misconfigured(found)


def translate_error(error: Exception, settings: KafkaSettings, what: str = "") -> MostreadError:
    """Return Misconfigured where a setting or a right must change, else KafkaUnavailable.

    `what` is what Kafka did not do; without it, we could not even connect: the libraries say
    of that no more than that it took too long, so the brokers are asked why. Blocks for seconds
    then.
    """
    if isinstance(error, _NO_RIGHT):
        return Misconfigured(
            f"Kafka: a right is missing ({error}); deploy/kafka/acls.sh has what each service needs"
        )
    if isinstance(error, _SASL_FAILED):
        return Misconfigured(f"Kafka at {settings.kafka_brokers}: {NOT_KNOWN}")
    if what:
        return KafkaUnavailable(f"{what}: {error!r}")
    if found := diagnose(settings):
        return Misconfigured(found)
    return KafkaUnavailable(
        f"no broker answers at {settings.kafka_brokers}; start it, or set MOSTREAD_KAFKA_BROKERS"
    )
