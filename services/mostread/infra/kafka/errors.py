"""Mapping of Kafka's errors to mostread's."""

from kafka.errors import AuthorizationError, SaslAuthenticationFailedError

from mostread.errors import KafkaUnavailable, Misconfigured, MostreadError
from mostread.infra.kafka.config import KafkaSettings
from mostread.infra.kafka.diagnostics import BAD_CREDENTIALS, diagnose


def check_access(settings: KafkaSettings) -> None:
    """Raise Misconfigured if the brokers would refuse a connection. Blocks.

    kafka-python retries for ten seconds and then reports a timeout instead of the reason. Call
    this once before connecting. Plaintext connections have no credentials to check.
    """
    if settings.kafka_security_protocol != "PLAINTEXT" and (error := diagnose(settings)):
        raise Misconfigured(error)


def translate_error(error: Exception, settings: KafkaSettings, failure: str = "") -> MostreadError:
    """Return Misconfigured if a setting or an ACL must change, else KafkaUnavailable.

    `failure` describes what failed. Without it the connection itself failed; the libraries
    report that as a timeout, so this blocks for some seconds and diagnoses the brokers.
    """
    if isinstance(error, AuthorizationError):
        return missing_right_error(error)
    if isinstance(error, SaslAuthenticationFailedError):
        return authentication_error(settings)
    if failure:
        return KafkaUnavailable(f"{failure}: {error!r}")
    if refusal := diagnose(settings):
        return Misconfigured(refusal)
    return KafkaUnavailable(
        f"no broker answers at {settings.kafka_brokers}; start it, or set MOSTREAD_KAFKA_BROKERS"
    )


def missing_right_error(error: Exception) -> Misconfigured:
    """Return the error for a request that an ACL denied."""
    return Misconfigured(
        f"Kafka: an ACL is missing ({error}); deploy/kafka/acls.sh has those of each service"
    )


def authentication_error(settings: KafkaSettings) -> Misconfigured:
    """Return the error for credentials that the brokers rejected."""
    return Misconfigured(f"Kafka at {settings.kafka_brokers}: {BAD_CREDENTIALS}")
