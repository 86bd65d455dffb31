"""Query parameters that select counter rows and give each its weights."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from mostread.core.counting.counters import Grain
from mostread.core.ranking.query_plan import LENGTH, Bucket, RowWeights

# The values of the enum `grain` in schemas/clickhouse.
_GRAINS: Mapping[Grain, int] = {"minute": 1, "hour": 2, "total": 3, "week": 4}


@dataclass(frozen=True, slots=True)
class RowCondition:
    """A condition that selects rows, which the driver writes into the query as it is.

    ClickHouse finds the few runs of a year of hours much faster than each of the hours.
    """

    buckets: Collection[Bucket]

    def __str__(self) -> str:
        """Return the condition in SQL: one run of successive rows or another."""
        runs = (
            f"(grain = '{grain}' AND window BETWEEN {first} AND {last})"
            for grain, first, last in successive(self.buckets)
        )
        return f"({' OR '.join(runs) or 'false'})"


def successive(buckets: Collection[Bucket]) -> list[tuple[Grain, int, int]]:
    """Return the grain, and the first and last window, of each run of successive rows."""
    runs = []
    for _, run in groupby(enumerate(sorted(set(buckets))), _before_run):
        rows = [bucket for _, bucket in run]
        runs.append((rows[0].grain, rows[0].start, rows[-1].start))
    return runs


def _before_run(numbered: tuple[int, Bucket]) -> tuple[Grain, int]:
    """Return the window before the first of all rows, if each succeeded the one before it."""
    number, bucket = numbered
    return bucket.grain, bucket.start - number * int(LENGTH[bucket.grain].total_seconds())


def weighted_rows(**weights: RowWeights) -> dict[str, Any]:
    """Return the query parameters that select rows and give each its weights."""
    # ClickHouse rejects empty lists; no row is that old.
    selected = {bucket for each in weights.values() for bucket in each} or {Bucket("minute", 0)}
    buckets = sorted(selected)
    return {
        "buckets": [bucket.start * 4 + _GRAINS[bucket.grain] for bucket in buckets],
        "selected": RowCondition(buckets),
        **{name: [each.get(bucket, 0) for bucket in buckets] for name, each in weights.items()},
    }
