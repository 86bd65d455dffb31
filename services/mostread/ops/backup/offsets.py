"""Consumer group offsets at a restore."""

import time
from collections.abc import Callable
from typing import Any

from kafka import KafkaAdminClient, TopicPartition
from kafka.admin import OffsetSpec
from kafka.errors import GroupIdNotFoundError, KafkaError

from mostread.errors import KafkaUnavailable, Misconfigured

_RETRY_SECONDS = 30


def check_no_members(admin: KafkaAdminClient, group: str) -> None:
    """Raise Misconfigured while aggregators run, since they cache counters of the old tables."""
    try:
        members = _retry(lambda: admin.describe_groups([group]))[group]["members"]
    except GroupIdNotFoundError:
        return
    except KafkaError as error:
        raise KafkaUnavailable(f"Kafka cannot describe the group {group}: {error}") from error
    if members:
        raise Misconfigured(
            f"{len(members)} aggregators run (consumer group {group}); stop them first, or wait "
            "for the session timeout of those that were killed"
        )


def reset_to_beginning(admin: KafkaAdminClient, group: str, topic: str, partitions: int) -> None:
    """Reset the committed offsets of `topic`, so that the group reads it from the beginning.

    Counting resumes at checkpoints, which the backup contains. The articles topic is read from
    the committed offset, which may be ahead of the backup.
    """
    topic_partitions = [TopicPartition(topic, number) for number in range(partitions)]
    try:
        results = _retry(
            lambda: admin.reset_group_offsets(
                group, dict.fromkeys(topic_partitions, OffsetSpec.EARLIEST)
            )
        )
    except KafkaError as error:
        raise KafkaUnavailable(
            f"Kafka cannot reset offsets of the group {group}: {error}"
        ) from error
    for topic_partition, result in results.items():
        if result["error"].errno:
            raise KafkaUnavailable(
                f"Kafka cannot reset the offset of the group {group} for {topic_partition.topic}: "
                f"{result['error'].__name__}"
            )


def _retry(call: Callable[[], dict[Any, Any]]) -> dict[Any, Any]:
    """Retry a call: a new broker creates its topic of groups at the first request."""
    deadline = time.monotonic() + _RETRY_SECONDS
    while True:
        try:
            return call()
        except KafkaError as error:
            if not error.retriable or time.monotonic() > deadline:
                raise
            time.sleep(0.2)
