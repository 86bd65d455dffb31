"""The query that looks up stored counters by key."""

from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

from mostread.core.counting.counters import CounterKey
from mostread.infra.clickhouse.client import READ_ONLY, read_sql

_SQL = Path(__file__).parent / "sql"

KEYS_PER_QUERY, MIN_KEYS_PER_QUERY = 20_000, 100

LOOKUP = {
    **READ_ONLY,
    # A key takes at most 620 bytes: 64 of its site, and 4 for each of 128 characters.
    "max_query_size": 16 << 20,
    "output_format_json_quote_64bit_integers": 0,
}
"""Settings of the query."""


def lookup_query(topic: UUID, keys: Sequence[tuple[int, CounterKey]], no_partition: int) -> str:
    """Return the query for the counters of (partition, key) pairs.

    Formatted here: the driver's binding of parameters takes longer than the query itself.
    """
    return read_sql(_SQL, "counters").format(
        keys=_quoted(f"[{','.join(_literal(key) for _, key in keys)}]"),
        topic=topic,
        partitions=",".join(map(str, {partition for partition, _ in keys})),
        no_partition=no_partition,
    )


def _literal(key: CounterKey) -> str:
    return f"({_quoted(key.site)},'{key.grain}',{key.window},{_quoted(key.article_id)})"


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
