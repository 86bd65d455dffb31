"""The table `skipped_ranges`, which workers, rebuilds, audits and `mostread skip` share."""

from uuid import UUID

from clickhouse_connect.driver.client import Client

from mostread.core.skipped import SkippedRange
from mostread.infra.clickhouse.client import query_array, translate_errors
from mostread.infra.kafka.topics import Topic

_RANGES = """
SELECT arraySort(groupArray((
    partition, first_offset, next_offset, counted_until, reason, skipped_by,
    toUnixTimestamp64Milli(skipped_at)
)))
FROM skipped_ranges FINAL
WHERE topic_id = {topic:UUID}
"""
_COLUMNS = (
    "topic",
    "topic_id",
    "partition",
    "first_offset",
    "next_offset",
    "counted_until",
    "reason",
    "skipped_by",
)


def read_skipped_ranges(client: Client, topic_id: UUID) -> dict[int, list[SkippedRange]]:
    """Return the skipped ranges of a topic by partition, sorted by offset.

    Raises ClickHouseUnavailable or Misconfigured.
    """
    ranges: dict[int, list[SkippedRange]] = {}
    for row in query_array(client, _RANGES, topic=str(topic_id)):
        ranges.setdefault(row[0], []).append(SkippedRange(*row))
    return ranges


def write_skipped_range(client: Client, topic: Topic, skipped: SkippedRange) -> None:
    """Record a skipped range; its time is the server's.

    Raises ClickHouseUnavailable or Misconfigured.
    """
    with translate_errors():
        client.insert(
            "skipped_ranges",
            [[topic.name, topic.id, *skipped[:-1]]],
            column_names=_COLUMNS,
            settings={"async_insert": 0},
        )
