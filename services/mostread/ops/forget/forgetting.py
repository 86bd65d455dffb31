"""Data stored about a site or an article, and the records by which it is forgotten."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

from clickhouse_connect.driver.client import Client

from mostread.core.control import ALL_ARTICLES, encode_forget
from mostread.core.editorial.records import forget_key, record_keys
from mostread.errors import Misconfigured
from mostread.infra.clickhouse.client import connect, query_rows
from mostread.infra.clickhouse.config import ClickHouseSettings
from mostread.infra.kafka import topics
from mostread.infra.kafka.config import KafkaSettings
from mostread.infra.kafka.producer import JobProducer, OutgoingRecord
from mostread.infra.kafka.topics import Topic

_SQL = Path(__file__).parent / "sql"
_QUERY_SECONDS = 600
_RECORDS_AT_ONCE = 1_000


class ForgetSettings(KafkaSettings, ClickHouseSettings):
    """Settings of `mostread forget`."""


class StoredData(NamedTuple):
    """Data stored about a site, or an article of it.

    `articles` are those with numbers, whose sums are `views`, `comments` and `likes`. The hours are
    the first and the last with numbers, in epoch seconds, None without any.
    """

    articles: int
    views: int
    comments: int
    likes: int
    first_hour: int | None
    last_hour: int | None
    descriptions: int
    decisions: int

    def __bool__(self) -> bool:
        return bool(self.articles or self.descriptions or self.decisions)


class Forgotten(NamedTuple):
    """A forget that `partitions` have counted; an empty `article_id` stands for the whole site.

    `began_at` is the time (ms) of its first record.
    """

    began_at: int
    site: str
    article_id: str
    by: str
    partitions: int


@dataclass(frozen=True)
class WrittenForget:
    """Where the forget was written: `offsets` by partition of the events topic."""

    topic: Topic
    offsets: Mapping[int, int]


class Forgetting:
    """The tables and topics of an instance. For one thread; `close` it.

    Every method raises KafkaUnavailable, ClickHouseUnavailable and Misconfigured.
    """

    def __init__(self, settings: ForgetSettings) -> None:
        self._settings = settings
        self._client: Client = connect(settings, seconds=_QUERY_SECONDS, read_only=True)

    def close(self) -> None:
        self._client.close()

    def find(self, site: str, article_id: str = ALL_ARTICLES) -> StoredData:
        """Return what is stored."""
        return StoredData(*self._rows("stored", site=site, article=article_id)[0])

    def former(self, site: str, article_id: str = ALL_ARTICLES) -> list[str]:
        """Return the former ids of an article, or the former names of a site."""
        return [row[0] for row in self._rows("former", site=site, article=article_id)]

    def require(self, site: str, article_id: str = ALL_ARTICLES) -> StoredData:
        """Return what is stored. Raises Misconfigured if that is nothing."""
        if stored := self.find(site, article_id):
            return stored
        if article_id and self.find(site):
            raise Misconfigured(
                f"the site {site} has no article {article_id!r}; check --article, whose case "
                "matters, or see `mostread forget --list` for what is forgotten already"
            )
        sites = ", ".join(row[0] for row in self._rows("sites")) or "none"
        raise Misconfigured(f"nothing is stored about the site {site}; sites with views: {sites}")

    def write(self, site: str, article_id: str, by: str) -> WrittenForget:
        """Write the records of a forget; safe to repeat if it fails.

        In the articles topic, records without a value make Kafka remove descriptions and decisions,
        and a forget makes a worker delete them from ClickHouse. Raises KafkaUnavailable.
        """
        events, articles = self._settings.events_topic, self._settings.articles_topic
        value = encode_forget(site, article_id, forget_id=uuid4().hex, by=by)
        described = [row[0] for row in self._rows("described", site=site, article=article_id)]
        keys = [key for each in described for key in record_keys(site, each)]
        with topics.admin(self._settings) as admin:
            topic = topics.describe(admin, events)
        producer = JobProducer(self._settings)
        try:
            for start in range(0, len(keys), _RECORDS_AT_ONCE):
                part = keys[start : start + _RECORDS_AT_ONCE]
                producer.send([OutgoingRecord(articles, None, key) for key in part])
            producer.send([OutgoingRecord(articles, value, forget_key(site, article_id))])
            records = [
                OutgoingRecord(events, value, partition=number)
                for number in range(topic.partitions)
            ]
            return WrittenForget(topic, dict(enumerate(producer.send(records))))
        finally:
            producer.close()

    def uncounted(self, written: WrittenForget) -> list[int]:
        """Return the partitions that have not counted the forget yet."""
        rows = self._rows("next_offsets", topic=str(written.topic.id))
        counted = {row[0]: row[1] for row in rows}
        return [n for n, offset in written.offsets.items() if counted.get(n, 0) <= offset]

    def undeleted(self, written: WrittenForget, site: str, article_id: str) -> int:
        """Return the number of older rows that are not deleted yet."""
        ((rows,),) = self._rows(
            "undeleted",
            site=site,
            article=article_id,
            topic=str(written.topic.id),
            partitions=list(written.offsets),
            offsets=list(written.offsets.values()),
        )
        return int(rows)

    def forgotten(self, site: str = "", article_id: str = "") -> list[Forgotten]:
        """Return the forgets that were counted, oldest first."""
        return [Forgotten(*row) for row in self._rows("forgets", site=site, article=article_id)]

    def _rows(self, name: str, **parameters: object) -> Sequence[Sequence[Any]]:
        return query_rows(self._client, _SQL, name, **parameters)
