"""The table `exclusions`, which workers, rebuilds, audits and `mostread exclude` share."""

from collections.abc import Sequence

from clickhouse_connect.driver.client import Client

from mostread.core.exclusions import Exclusion, ExclusionEntry
from mostread.infra.clickhouse.client import query_array, translate_errors

_ENTRIES = """
SELECT arraySort(entry -> (entry.5, entry.1), groupArray((
    (id, site, article_id, toUnixTimestamp(starts_at) * 1000, toUnixTimestamp(ends_at) * 1000,
        visitor),
    toString(action), reason, by, toUnixTimestamp64Milli(recorded_at), from_epoch,
    toUnixTimestamp64Milli(applied_at), version
)))
FROM exclusions FINAL
"""
_COLUMNS = (
    "id",
    "site",
    "article_id",
    "starts_at",
    "ends_at",
    "visitor",
    "action",
    "reason",
    "by",
    "recorded_at",
    "from_epoch",
    "applied_at",
    "version",
)


def read_exclusions(client: Client) -> list[ExclusionEntry]:
    """Return all additions and removals, in the order in which they were recorded.

    Raises ClickHouseUnavailable or Misconfigured.
    """
    return [
        ExclusionEntry(Exclusion(*names), *rest) for names, *rest in query_array(client, _ENTRIES)
    ]


def write_exclusions(client: Client, entries: Sequence[ExclusionEntry]) -> None:
    """Write entries; of each, the row with the highest version wins.

    Raises ClickHouseUnavailable or Misconfigured.
    """
    rows = [
        [
            *(exclusion := entry.exclusion)[:3],
            exclusion.start // 1000,
            exclusion.end // 1000,
            exclusion.visitor,
            *entry[1:],
        ]
        for entry in entries
    ]
    if rows:
        with translate_errors():
            client.insert("exclusions", rows, column_names=_COLUMNS, settings={"async_insert": 0})
