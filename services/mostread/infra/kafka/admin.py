"""Who counts: the members of a consumer group, and which partitions each of them has."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kafka import KafkaAdminClient
from kafka.errors import AuthorizationError, KafkaError

from mostread.errors import Misconfigured
from mostread.infra.kafka.config import KafkaSettings
from mostread.infra.kafka.errors import translate_error

STABLE = "Stable"


@dataclass(frozen=True)
class Member:
    """A worker of the group, with the partitions of the topic that it was given."""

    id: str
    host: str
    partitions: tuple[int, ...]


@dataclass(frozen=True)
class Group:
    """A group as its coordinator knows it; one that never was is there, and has no members."""

    name: str
    state: str
    members: tuple[Member, ...]

    @property
    def is_sharing_out(self) -> bool:
        """Whether the partitions are being given out just now."""
        return bool(self.members) and self.state != STABLE

    def without_owner(self, partitions: int) -> list[int]:
        """Return which of so many partitions nobody has."""
        owned = {number for member in self.members for number in member.partitions}
        return sorted(set(range(partitions)) - owned)


def group(client: KafkaAdminClient, name: str, topic: str) -> Group:
    """Return the group `name` and who has which partitions of `topic`. Raises KafkaError."""
    found = client.describe_groups([name])[name]
    return Group(
        name,
        found["group_state"],
        tuple(
            Member(
                member["member_id"],
                member["client_host"].lstrip("/"),
                _partitions(member["member_assignment"], topic),
            )
            for member in found["members"]
        ),
    )


def _partitions(assignment: object, topic: str) -> tuple[int, ...]:
    # While partitions are given out a member has no assignment, and it comes as bytes.
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


def committed(client: KafkaAdminClient, name: str, topic: str) -> dict[int, int]:
    """Return the next offset of each partition that the group has committed. Raises KafkaError."""
    return {
        place.partition: int(found.offset)
        for place, found in client.list_group_offsets([name])[name].items()
        if place.topic == topic
    }


READ, WRITE = "READ", "WRITE"

_NOT_AUTHORIZED = 29


def check_topic_access(client: KafkaAdminClient, found: Mapping[str, Any], operation: str) -> None:
    """Raise Misconfigured where a topic, as `describe_topics` says of it, is not there, or who
    connects with `client` may not do `operation` on it.
    """
    name = found["name"]
    allowed = found["authorized_operations"]
    if found["error_code"] == _NOT_AUTHORIZED or (allowed and operation not in allowed):
        raise Misconfigured(missing_right(client, operation, f"the topic {name}"))
    if found["error_code"] != 0 or not found["partitions"]:
        raise Misconfigured(f"there is no topic {name}; `mostread init` creates it")


def check_aggregator_access(client: KafkaAdminClient, settings: KafkaSettings, group: str) -> None:
    """Raise Misconfigured where a topic is missing, or a right of who counts events."""
    needed = {
        settings.events_topic: READ,
        settings.articles_topic: READ,
        settings.dead_letters_topic: WRITE,
    }
    try:
        for found in client.describe_topics(list(needed)):
            check_topic_access(client, found, needed[found["name"]])
        check_group_access(client, group)
    except (KafkaError, OSError) as error:
        raise translate_error(error, settings, "Kafka does not describe topics") from error


def check_group_access(client: KafkaAdminClient, group: str) -> None:
    """Raise Misconfigured where who connects with `client` may not read with this group."""
    try:
        found = client.describe_groups([group])[group]
    except AuthorizationError as error:
        raise Misconfigured(missing_right(client, READ, f"the consumer group {group}")) from error
    allowed = found["authorized_operations"]
    if "AUTHORIZATION" in (found["error"] or "") or (allowed and READ not in allowed):
        raise Misconfigured(missing_right(client, READ, f"the consumer group {group}"))


def missing_right(client: KafkaAdminClient, operation: str, on: str) -> str:
    """Return that who connects with `client` may not do that, and where it says who must."""
    who = client.config["sasl_plain_username"] or "who connects"
    return (
        f"Kafka: {who} may not {operation} {on}; deploy/kafka/acls.sh has what each service needs"
    )
