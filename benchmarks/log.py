"""Write the log that the aggregators of a benchmark read, one after the other."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import orjson
from aiokafka import AIOKafkaProducer
from kafka import TopicPartition
from kafka.admin import OffsetSpec

from mostread.infra.kafka import topics
from mostread.infra.kafka.config import KafkaSettings

PARTITIONS = 4
BATCH_BYTES = 512 << 10


@dataclass(frozen=True)
class Load:
    """Content of a log: mostly views, each id once, no event older than `LATENESS_MS`.

    Articles are skewed as on a news page (the second has half of the first's readers, the
    third a third), or evenly read. Record times are spread evenly over `seconds`, up to now. Each
    event has a visitor in the collector's format, so that sampling visitors costs what it should.
    """

    events: int
    events_per_record: int = 100
    articles: int = 2_000
    even: bool = False
    seconds: int = 600


LATENESS_MS = 30_000
"""Maximum age of an event when its record was written."""

VISITORS = 200_000
SEED = 1


@dataclass(frozen=True)
class Log:
    """A filled topic: the end offset of each partition, and the events of each article."""

    load: Load
    kafka: KafkaSettings
    ends: dict[int, int]
    articles: Mapping[str, int]

    def wrong(self, counts: Mapping[str, int]) -> int:
        """Return the number of articles that `counts` lacks, has in excess or counts wrong."""
        names = self.articles.keys() | counts.keys()
        return sum(self.articles.get(name, 0) != counts.get(name, 0) for name in names)


def fill(brokers: str, load: Load) -> Log:
    """Create topics and write the events of `load`, always the same ones."""
    kafka = KafkaSettings(kafka_brokers=brokers, kafka_topic_prefix=f"log_{time.time_ns()}.")
    wanted = topics.configurations(kafka, partitions=PARTITIONS, replication=1, retention_days=1)
    # With LogAppendTime all records would have the time at which the benchmark wrote them.
    wanted[kafka.events_topic]["configs"]["message.timestamp.type"] = "CreateTime"
    with topics.admin(kafka) as admin:
        topics.create_missing(admin, wanted)
        asyncio.run(_write(kafka, load, now=time.time_ns() // 1_000_000))
        partitions = [TopicPartition(kafka.events_topic, number) for number in range(PARTITIONS)]
        offsets = admin.list_partition_offsets(dict.fromkeys(partitions, OffsetSpec.LATEST))
    ends = {partition.partition: end.offset for partition, end in offsets.items()}
    names = _names(load)
    return Log(
        load, kafka, ends, Counter(names[each] for each in _chosen(load, random.Random(SEED)))
    )


def delete(log: Log) -> None:
    """Delete the topics, so that the disk need not hold every log of a run."""
    with topics.admin(log.kafka) as admin:
        admin.delete_topics(
            [log.kafka.events_topic, log.kafka.articles_topic, log.kafka.dead_letters_topic]
        )


def _names(load: Load) -> list[str]:
    return [f"article-{number:07}" for number in range(load.articles)]


def _chosen(load: Load, rng: random.Random) -> list[int]:
    """Return the article of each event."""
    weights = None if load.even else [1 / rank for rank in range(1, load.articles + 1)]
    return rng.choices(range(load.articles), weights, k=load.events)


def _events(load: Load, now: int) -> Iterator[tuple[int, int, bytes]]:
    """Yield partition, record time and event."""
    rng = random.Random(SEED)
    names, chosen = _names(load), _chosen(load, rng)
    types = rng.choices(("view", "like", "comment"), (97, 2, 1), k=load.events)
    begin, step = now - load.seconds * 1000, load.seconds * 1000 / load.events
    for number, (article, kind) in enumerate(zip(chosen, types, strict=True)):
        written = int(begin + number * step)
        event = {
            "id": f"{rng.getrandbits(96):024x}",
            "type": kind,
            "article_id": names[article],
            "timestamp": written - rng.randrange(LATENESS_MS),
            "visitor": f"{rng.randrange(VISITORS) * 0x9E3779B97F4A7C15 % 2**64:016x}",
        }
        yield article % PARTITIONS, written, orjson.dumps(event)


async def _write(kafka: KafkaSettings, load: Load, now: int) -> None:
    """Write records in batches; one by one would take longer than counting them."""
    producer = AIOKafkaProducer(
        bootstrap_servers=kafka.bootstrap_servers, max_batch_size=BATCH_BYTES, acks="all"
    )
    await producer.start()
    try:
        gathered: list[list[bytes]] = [[] for _ in range(PARTITIONS)]
        batches = [producer.create_batch() for _ in range(PARTITIONS)]
        pending: list[asyncio.Future[object]] = []

        async def send(partition: int) -> None:
            batch, batches[partition] = batches[partition], producer.create_batch()
            if batch.record_count():
                topic = kafka.events_topic
                pending.append(await producer.send_batch(batch, topic, partition=partition))

        async def add(partition: int, written: int) -> None:
            value = b"\n".join(gathered[partition])
            gathered[partition].clear()
            while batches[partition].append(key=None, value=value, timestamp=written) is None:
                await send(partition)

        for partition, written, event in _events(load, now):
            gathered[partition].append(event)
            if len(gathered[partition]) == load.events_per_record:
                await add(partition, written)
        for partition in range(PARTITIONS):
            if gathered[partition]:
                await add(partition, now)
            await send(partition)
        await asyncio.gather(*pending)
    finally:
        await producer.stop()
