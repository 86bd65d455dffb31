"""Consumer groups and ACLs as Kafka describes them."""

from types import SimpleNamespace
from typing import Any

import pytest
from kafka import TopicPartition

from mostread.errors import Misconfigured
from mostread.infra.kafka.admin import (
    READ,
    WRITE,
    Group,
    Member,
    check_aggregator_access,
    check_group_access,
    check_topic_access,
    committed_offsets,
    describe_group,
)
from mostread.infra.kafka.config import KafkaSettings


class FakeAdmin:
    """An admin client with canned descriptions."""

    def __init__(self, group: dict[str, Any], topics: list[dict[str, Any]] | None = None) -> None:
        self.config = {"sasl_plain_username": "mostread-collector"}
        self._group = group
        self._topics = topics or []

    def describe_groups(self, names: list[str]) -> dict[str, dict[str, Any]]:
        return dict.fromkeys(names, self._group)

    def describe_topics(self, names: list[str]) -> list[dict[str, Any]]:
        assert set(names) >= {topic["name"] for topic in self._topics}
        return self._topics

    def list_group_offsets(self, names: list[str]) -> dict[str, dict[TopicPartition, Any]]:
        offsets = {
            TopicPartition("events", 1): SimpleNamespace(offset=7),
            TopicPartition("other", 1): SimpleNamespace(offset=9),
        }
        return dict.fromkeys(names, offsets)


def topic(name: str = "events", **different: Any) -> dict[str, Any]:
    usual = {
        "name": name,
        "error_code": 0,
        "partitions": [0, 1],
        "authorized_operations": {READ, WRITE},
    }
    return {**usual, **different}


def member(assignment: object) -> dict[str, Any]:
    return {
        "member_id": "a-1",
        "group_instance_id": "worker-0",
        "client_host": "/10.0.0.1",
        "member_assignment": assignment,
    }


def test_group_lists_members_with_their_partitions_of_the_topic() -> None:
    assigned = [
        {"topic": "events", "partitions": [2, 0]},
        {"topic": "articles", "partitions": [5]},
    ]
    members = [member({"assigned_partitions": assigned})]
    group = describe_group(FakeAdmin({"group_state": "Stable", "members": members}), "g", "events")

    assert group == Group("g", "Stable", (Member("a-1", "worker-0", "10.0.0.1", (0, 2)),))
    assert group.unassigned(4) == [1, 3]
    assert not group.is_rebalancing


def test_group_in_rebalance_has_members_without_partitions() -> None:
    description = {"group_state": "PreparingRebalance", "members": [member(b"")]}
    group = describe_group(FakeAdmin(description), "g", "events")

    assert group.is_rebalancing
    assert group.unassigned(2) == [0, 1]


def test_committed_offsets_are_those_of_the_topic() -> None:
    assert committed_offsets(FakeAdmin({}), "g", "events") == {1: 7}


@pytest.mark.parametrize(
    ("description", "message"),
    [
        (topic(error_code=29), "mostread-collector may not WRITE the topic events"),
        (topic(authorized_operations={READ}), "may not WRITE the topic events"),
        (topic(error_code=3), "the topic events does not exist; run `mostread init`"),
        (topic(partitions=[]), "the topic events does not exist"),
    ],
)
def test_topic_without_access_or_missing_is_misconfigured(
    description: dict[str, Any], message: str
) -> None:
    with pytest.raises(Misconfigured, match=message):
        check_topic_access(FakeAdmin({}), description, WRITE)


def test_topic_of_broker_without_acls_is_accessible() -> None:
    check_topic_access(FakeAdmin({}), topic(authorized_operations=None), WRITE)


@pytest.mark.parametrize(
    "description",
    [
        {"error": "GROUP_AUTHORIZATION_FAILED", "authorized_operations": None},
        {"error": "", "authorized_operations": {"DESCRIBE"}},
    ],
)
def test_group_without_read_access_is_misconfigured(description: dict[str, Any]) -> None:
    with pytest.raises(Misconfigured, match="may not READ the consumer group g"):
        check_group_access(FakeAdmin(description), "g")


def test_aggregator_needs_to_write_dead_letters() -> None:
    settings = KafkaSettings()
    client = FakeAdmin(
        {"error": "", "authorized_operations": {READ}},
        [
            topic(settings.events_topic),
            topic(settings.articles_topic),
            topic(settings.dead_letters_topic, authorized_operations={READ}),
        ],
    )
    with pytest.raises(Misconfigured, match=r"may not WRITE the topic engagement\.dead-letters"):
        check_aggregator_access(client, settings, ["g"])
