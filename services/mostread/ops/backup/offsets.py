"""The consumer group at a restore: nobody in it, and the articles to be read again."""

import time
from collections.abc import Callable
from typing import Any

from kafka import KafkaAdminClient, TopicPartition
from kafka.admin import OffsetSpec
from kafka.errors import GroupIdNotFoundError, KafkaError

from mostread.errors import KafkaUnavailable, Misconfigured

_SECONDS = 30


def check_nobody_counts(admin: KafkaAdminClient, group: str) -> None:
    """Raise Misconfigured where a worker runs: it knows numbers that the tables lose."""
    try:
        members = _patiently(lambda: admin.describe_groups([group]))[group]["members"]
    except GroupIdNotFoundError:
        return
    except KafkaError as error:
        raise KafkaUnavailable(f"Kafka does not describe the group {group}: {error}") from error
    if members:
        raise Misconfigured(
            f"{len(members)} aggregators run (consumer group {group}); stop them first, or wait "
            "until Kafka has given up those that were killed"
        )


def read_again(admin: KafkaAdminClient, group: str, topic: str, partitions: int) -> None:
    """Let the group read `topic` from its beginning, once it runs again.

    Counters say themselves where counting goes on. What is known of articles does not: their
    topic is read on from the offset that is committed, which may be ahead of the backup.
    """
    places = [TopicPartition(topic, number) for number in range(partitions)]
    try:
        done = _patiently(
            lambda: admin.reset_group_offsets(group, dict.fromkeys(places, OffsetSpec.EARLIEST))
        )
    except KafkaError as error:
        raise KafkaUnavailable(f"Kafka does not reset the group {group}: {error}") from error
    for place, answer in done.items():
        if answer["error"].errno:
            raise KafkaUnavailable(
                f"Kafka does not let the group {group} read {place.topic} again: "
                f"{answer['error'].__name__}"
            )


def _patiently(call: Callable[[], dict[Any, Any]]) -> dict[Any, Any]:
    """Return what `call` returns: a new broker makes its list of groups when first asked."""
    deadline = time.monotonic() + _SECONDS
    while True:
        try:
            return call()
        except KafkaError as error:
            if not error.retriable or time.monotonic() > deadline:
                raise
            time.sleep(0.2)
