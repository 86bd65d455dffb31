"""Consumer groups, committed offsets, and checks of ACLs."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from kafka import KafkaAdminClient
from kafka.errors import AuthorizationError, KafkaError

from mostread.errors import Misconfigured
from mostread.infra.kafka.config import KafkaSettings
from mostread.infra.kafka.errors import translate_error

STABLE = "Stable"

# It warns of each member that it cannot decode what Faust tells the group about itself.
logging.getLogger("kafka.admin._groups").setLevel(logging.ERROR)


@dataclass(frozen=True)
class Member:
    """A consumer of a group and the partitions assigned to it.

    `instance_id` is empty without static membership.
    """

    id: str
    instance_id: str
    host: str
    partitions: tuple[int, ...]


@dataclass(frozen=True)
class Group:
    """A group as its coordinator describes it; an unknown group has no members."""

    name: str
    state: str
    members: tuple[Member, ...]

    @property
    def is_rebalancing(self) -> bool:
        """Whether the coordinator is assigning partitions."""
        return bool(self.members) and self.state != STABLE

    def unassigned(self, partitions: int) -> list[int]:
        """Return the partitions, of 0 to `partitions` - 1, without a member."""
        owned = {number for member in self.members for number in member.partitions}
        return sorted(set(range(partitions)) - owned)


def describe_group(client: KafkaAdminClient, name: str, topic: str) -> Group:
    """Return the group `name` and its assignment of `topic`. Raises KafkaError."""
    described = client.describe_groups([name])[name]
    return Group(
        name,
        described["group_state"],
        tuple(
            Member(
                member["member_id"],
                member["group_instance_id"] or "",
                member["client_host"].lstrip("/"),
                _partitions(member["member_assignment"], topic),
            )
            for member in described["members"]
        ),
    )


def _partitions(assignment: object, topic: str) -> tuple[int, ...]:
    # During a rebalance a member has no assignment, which kafka-python returns as bytes.
    if not isinstance(assignment, dict):
        return ()
    return tuple(
        sorted(
            number
            for assigned in assignment["assigned_partitions"]
            if assigned["topic"] == topic
            for number in assigned["partitions"]
        )
    )


def committed_offsets(client: KafkaAdminClient, name: str, topic: str) -> dict[int, int]:
    """Return the committed next offset of each partition. Raises KafkaError."""
    return {
        source.partition: int(committed.offset)
        for source, committed in client.list_group_offsets([name])[name].items()
        if source.topic == topic
    }


READ, WRITE = "READ", "WRITE"

_NOT_AUTHORIZED = 29


def check_topic_access(client: KafkaAdminClient, topic: Mapping[str, Any], operation: str) -> None:
    """Raise Misconfigured if a topic is missing or the client may not do `operation` on it.

    `topic` is an item of `describe_topics`.
    """
    name = topic["name"]
    allowed = topic["authorized_operations"]
    if topic["error_code"] == _NOT_AUTHORIZED or (allowed and operation not in allowed):
        raise Misconfigured(missing_right(client, operation, f"the topic {name}"))
    if topic["error_code"] != 0 or not topic["partitions"]:
        raise Misconfigured(f"the topic {name} does not exist; run `mostread init`")


def check_aggregator_access(
    client: KafkaAdminClient, settings: KafkaSettings, groups: Iterable[str]
) -> None:
    """Raise Misconfigured if the aggregator lacks a topic, or an ACL on one."""
    needed = {
        settings.events_topic: READ,
        settings.articles_topic: READ,
        settings.dead_letters_topic: WRITE,
    }
    try:
        for topic in client.describe_topics(list(needed)):
            check_topic_access(client, topic, needed[topic["name"]])
        for group in groups:
            check_group_access(client, group)
    except (KafkaError, OSError) as error:
        raise translate_error(error, settings, "Kafka does not describe topics") from error


def check_group_access(client: KafkaAdminClient, group: str) -> None:
    """Raise Misconfigured if the client may not read with the consumer group."""
    try:
        described = client.describe_groups([group])[group]
    except AuthorizationError as error:
        raise Misconfigured(missing_right(client, READ, f"the consumer group {group}")) from error
    allowed = described["authorized_operations"]
    if "AUTHORIZATION" in (described["error"] or "") or (allowed and READ not in allowed):
        raise Misconfigured(missing_right(client, READ, f"the consumer group {group}"))


def missing_right(client: KafkaAdminClient, operation: str, resource: str) -> str:
    """Return the message that the client lacks an ACL for `operation`."""
    user = client.config["sasl_plain_username"] or "the client"
    return (
        f"Kafka: {user} may not {operation} {resource}; "
        "deploy/kafka/acls.sh has the ACLs of each service"
    )
