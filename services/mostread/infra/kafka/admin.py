"""Who counts: the members of a consumer group, and which partitions each of them has."""

from dataclasses import dataclass

from kafka import KafkaAdminClient

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
