"""Forgets in ClickHouse: the zeros that they leave, and the rows that they remove.

Zeros at the offset of the forget come first. From then on older rows lose against them, also those
that a stale worker writes later; deleting the older rows only makes them disappear at once. The
deletions run in the background, so that nothing waits for them.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path

from clickhouse_connect.driver.client import Client

from mostread.aggregator.repository import Epoch
from mostread.core.control import ALL_ARTICLES, Forget
from mostread.core.editorial.records import ArticleForget
from mostread.infra.clickhouse.client import read_sql, translate_errors

_SQL = Path(__file__).parent / "sql"
KEYS_PER_INSERT = 200_000
FORGETS_PER_STATEMENT = 2_000
_BACKGROUND = {"lightweight_deletes_sync": 0}
_DESCRIPTIONS = ("article_versions", "placement_versions", "placement_log")


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
            for parameters in _parameters(epoch, forgets):
                while _remaining(client, parameters):
                    keys = {**parameters, "keys_at_once": KEYS_PER_INSERT}
                    client.command(read_sql(_SQL, "forget_zeros"), parameters=keys)
                client.command(
                    read_sql(_SQL, "forget_counters"),
                    parameters={**parameters, "others": others},
                    settings=_BACKGROUND,
                )

    def forget_sketches(self, epoch: Epoch, forgets: Mapping[int, Sequence[Forget]]) -> None:
        """Delete older visitor sketches, and record the forgets for `mostread forget --list`."""
        with closing(self._connect()) as client, translate_errors():
            for parameters in _parameters(epoch, forgets):
                client.command(
                    read_sql(_SQL, "forget_sketches"),
                    parameters=parameters,
                    settings=_BACKGROUND,
                )
            _record(client, epoch, forgets)

    def forget_descriptions(self, forgets: Iterable[ArticleForget]) -> None:
        """Delete older descriptions and decisions."""
        last = {(each.site, each.article_id): each.version for each in sorted(forgets)}
        parameters = {
            "sites": sorted({site for site, _ in last}),
            "targets": [f"{site}\n{article}" for site, article in last],
            "versions": list(last.values()),
        }
        with closing(self._connect()) as client, translate_errors():
            for table in _DESCRIPTIONS:
                client.command(
                    read_sql(_SQL, "forget_descriptions"),
                    parameters={**parameters, "table": table},
                    settings=_BACKGROUND,
                )


def _parameters(
    epoch: Epoch, forgets: Mapping[int, Sequence[Forget]]
) -> Iterator[dict[str, object]]:
    """Yield parameters of statements for the last forget of each target, many at a time.

    Names contain no line feeds, which thus separate them in keys.
    """
    last = {
        (each.site, each.article_id, partition): each.offset
        for partition, of_partition in forgets.items()
        for each in of_partition
    }
    items = sorted(last.items())
    for start in range(0, len(items), FORGETS_PER_STATEMENT):
        part = items[start : start + FORGETS_PER_STATEMENT]
        articles = {article for (_, article, _), _ in part}
        yield {
            "topic": str(epoch.topic.id),
            "epoch": epoch.number,
            "partitions": list(forgets),
            "sites": sorted({site for (site, _, _), _ in part}),
            "articles": sorted(articles),
            "all": ALL_ARTICLES in articles,
            "targets": sorted({f"{site}\n{article}" for (site, article, _), _ in part}),
            "keys": [f"{site}\n{article}\n{partition}" for (site, article, partition), _ in part],
            "offsets": [offset for _, offset in part],
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
