"""Forgets in ClickHouse: the zeros that they leave, and the rows that they remove.

Zeros at the offset of the forget come first. From then on older rows lose against them, also those
that a stale worker writes later; deleting the older rows only makes them disappear at once. The
deletions run in the background, so that nothing waits for them.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from clickhouse_connect.driver.client import Client

from mostread.aggregator.repository import Epoch
from mostread.core.control import Forget
from mostread.core.editorial.records import ArticleForget
from mostread.infra.clickhouse.client import read_sql, translate_errors

_SQL = Path(__file__).parent / "sql"
KEYS_PER_INSERT = 200_000
_BACKGROUND = {"lightweight_deletes_sync": 0}
_DESCRIPTIONS = ("article_versions", "placement_versions", "placement_log")


class _Target(NamedTuple):
    """A site, or an article of it; an empty `article_id` stands for all."""

    site: str
    article_id: str


class Forgetter:
    """Applies forgets to the tables of ClickHouse, over a connection for each call.

    All methods block and may be repeated, also after only a part of them took effect. They raise
    ClickHouseUnavailable, Misconfigured, and StaleEpoch once the tables belong to another epoch.
    """

    def __init__(self, connect: Callable[[], Client]) -> None:
        self._connect = connect

    def forget(self, epoch: Epoch, forgets: Mapping[int, Sequence[Forget]]) -> None:
        """Apply the forgets of each partition, in the order of their offsets, and record them.

        Call it after writing the counters of their batches, and before the checkpoint.
        """
        self.forget_counters(epoch, forgets)
        self.forget_sketches(epoch, forgets)

    def forget_counters(
        self, epoch: Epoch, forgets: Mapping[int, Sequence[Forget]], *, others: bool = True
    ) -> None:
        """Write zeros and delete older counters; with `others` those outside this topic, too."""
        with closing(self._connect()) as client, translate_errors():
            for target, offsets in _by_target(forgets).items():
                parameters = _parameters(epoch, target, offsets)
                while _remaining(client, parameters):
                    keys = {**parameters, "keys": KEYS_PER_INSERT}
                    client.command(read_sql(_SQL, "forget_zeros"), parameters=keys)
                client.command(
                    read_sql(_SQL, "forget_counters"),
                    parameters={**parameters, "others": others},
                    settings=_BACKGROUND,
                )

    def forget_sketches(self, epoch: Epoch, forgets: Mapping[int, Sequence[Forget]]) -> None:
        """Delete older visitor sketches, and record the forgets for `mostread forget --list`."""
        with closing(self._connect()) as client, translate_errors():
            for target, offsets in _by_target(forgets).items():
                client.command(
                    read_sql(_SQL, "forget_sketches"),
                    parameters=_parameters(epoch, target, offsets),
                    settings=_BACKGROUND,
                )
            _record(client, epoch, forgets)

    def forget_descriptions(self, forgets: Iterable[ArticleForget]) -> None:
        """Delete older descriptions and decisions."""
        with closing(self._connect()) as client, translate_errors():
            for forget in forgets:
                for table in _DESCRIPTIONS:
                    parameters = {
                        "table": table,
                        "site": forget.site,
                        "article": forget.article_id,
                        "version": forget.version,
                    }
                    client.command(
                        read_sql(_SQL, "forget_descriptions"),
                        parameters=parameters,
                        settings=_BACKGROUND,
                    )


def _by_target(forgets: Mapping[int, Sequence[Forget]]) -> Mapping[_Target, dict[int, int]]:
    """Return the offset of the last forget of each target by partition."""
    targets: defaultdict[_Target, dict[int, int]] = defaultdict(dict)
    for partition, each in forgets.items():
        for forget in each:
            targets[_Target(forget.site, forget.article_id)][partition] = forget.offset
    return targets


def _parameters(epoch: Epoch, target: _Target, offsets: Mapping[int, int]) -> dict[str, object]:
    return {
        "site": target.site,
        "article": target.article_id,
        "topic": str(epoch.topic.id),
        "epoch": epoch.number,
        "partitions": list(offsets),
        "offsets": list(offsets.values()),
    }


def _remaining(client: Client, parameters: dict[str, object]) -> bool:
    ((keys,),) = client.query(read_sql(_SQL, "forget_remaining"), parameters=parameters).result_rows
    return bool(keys)


def _record(client: Client, epoch: Epoch, forgets: Mapping[int, Sequence[Forget]]) -> None:
    rows = [
        [
            epoch.topic.name,
            epoch.topic.id,
            partition,
            each.offset,
            each.site,
            each.article_id,
            each.id,
            each.by,
            each.timestamp,
        ]
        for partition, of_partition in forgets.items()
        for each in of_partition
    ]
    if rows:
        client.insert("forgets", rows, column_names=_COLUMNS, settings={"async_insert": 0})


_COLUMNS = (
    "topic",
    "topic_id",
    "partition",
    "offset",
    "site",
    "article_id",
    "forget_id",
    "forgotten_by",
    "recorded_at",
)
