"""Which rights a user of Kafka has: asked before they are needed, so that one hears of it early."""

from collections.abc import Mapping
from typing import Any

from kafka import KafkaAdminClient
from kafka.errors import AuthorizationError, KafkaError

from mostread.errors import Misconfigured
from mostread.infra.kafka.config import KafkaSettings
from mostread.infra.kafka.errors import trouble

READ, WRITE = "READ", "WRITE"

_NOT_AUTHORIZED = 29


def require(client: KafkaAdminClient, found: Mapping[str, Any], operation: str) -> None:
    """Raise Misconfigured where a topic, as `describe_topics` says of it, is not there, or who
    connects with `client` may not do `operation` on it.
    """
    name = found["name"]
    allowed = found["authorized_operations"]
    if found["error_code"] == _NOT_AUTHORIZED or (allowed and operation not in allowed):
        raise Misconfigured(lacking(client, operation, f"the topic {name}"))
    if found["error_code"] != 0 or not found["partitions"]:
        raise Misconfigured(f"there is no topic {name}; `mostread init` creates it")


def require_for_counting(client: KafkaAdminClient, settings: KafkaSettings, group: str) -> None:
    """Raise Misconfigured where a topic is missing, or a right of who counts events."""
    needed = {
        settings.events_topic: READ,
        settings.articles_topic: READ,
        settings.dead_letters_topic: WRITE,
    }
    try:
        for found in client.describe_topics(list(needed)):
            require(client, found, needed[found["name"]])
        require_group(client, group)
    except (KafkaError, OSError) as error:
        raise trouble(error, settings, "Kafka does not describe topics") from error


def require_group(client: KafkaAdminClient, group: str) -> None:
    """Raise Misconfigured where who connects with `client` may not read with this group."""
    try:
        found = client.describe_groups([group])[group]
    except AuthorizationError as error:
        raise Misconfigured(lacking(client, READ, f"the consumer group {group}")) from error
    allowed = found["authorized_operations"]
    if "AUTHORIZATION" in (found["error"] or "") or (allowed and READ not in allowed):
        raise Misconfigured(lacking(client, READ, f"the consumer group {group}"))


def lacking(client: KafkaAdminClient, operation: str, on: str) -> str:
    """Return that who connects with `client` may not do that, and where it says who must."""
    who = client.config["sasl_plain_username"] or "who connects"
    return (
        f"Kafka: {who} may not {operation} {on}; deploy/kafka/acls.sh has what each service needs"
    )
