"""Disks of the brokers, and the space that topics take on them."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from kafka import KafkaAdminClient


@dataclass(frozen=True)
class LogDir:
    """A log directory of a broker; `error` is Kafka's code if it is offline, else 0.

    `free` and `total` are bytes of its disk, None if the broker does not report them (before
    Kafka 3.3). `topics` has the bytes of each topic asked for.
    """

    broker: int
    path: str
    error: int
    free: int | None
    total: int | None
    topics: dict[str, int]


def read_log_dirs(client: KafkaAdminClient, names: Collection[str]) -> list[LogDir]:
    """Return all log directories, with the sizes of those topics in `names` that exist.

    None are returned without the right to DESCRIBE the cluster. Raises KafkaError.
    """
    # Naming a topic that does not exist would be an error.
    existing = sorted(set(names) & set(client.list_topics()))
    return [
        _log_dir(broker["broker"], described, existing)
        for broker in client.describe_log_dirs(topic_partitions=existing)
        for described in broker["log_dirs"]
    ]


def _log_dir(broker: int, described: dict[str, Any], names: Collection[str]) -> LogDir:
    known = described.get("total_bytes", -1) > 0
    return LogDir(
        broker=broker,
        path=described["log_dir"],
        error=described["error_code"],
        free=described["usable_bytes"] if known else None,
        total=described["total_bytes"] if known else None,
        topics={
            topic["name"]: sum(each["partition_size"] for each in topic["partitions"])
            for topic in described["topics"]
            if topic["name"] in names
        },
    )
