"""A seeded writer of records of every kind that Kafka takes, among events that must be counted.

Producers other than the collector decide what is in the events topic, so nothing a producer can
write may cost more than itself.
"""

import random
from collections import Counter as Tally
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import uuid4

import orjson
from aiokafka import AIOKafkaProducer

from tests.faults.hostile_values import KINDS

CODECS = (None, "gzip", "snappy", "lz4", "zstd")
TIMES = (
    *(-1, 0, 1, 999, 86_400_000 - 1, 2**31 * 1000, 2**32 * 1000, 253_402_300_800_000),
    *(2**53, 2**62, 2**63 - 1),
)
"""Record times that a producer may claim where the topic is set to CreateTime."""

BATCH_BYTES = 1_500_000
"""A batch gets no second record beyond it: it fits into the topic's 2 MiB uncompressed."""

OPEN_SECONDS = 3
"""Age at which Kafka may abort a transaction that was left open."""

GOOD = "good records"
GOOD_ARTICLE = "good-"


class Item(NamedTuple):
    """A record to be written; `events` of it are good."""

    kind: str
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]] = ()
    events: int = 0


@dataclass
class Written:
    """Records that were written; `views` are those to be counted, by article."""

    views: Tally[str] = field(default_factory=Tally)
    kinds: Tally[str] = field(default_factory=Tally)
    offsets: Tally[int] = field(default_factory=Tally)
    """Offsets that records and transaction markers take, by partition."""

    def hostile(self) -> int:
        """Return how many hostile records were written."""
        return sum(self.kinds[kind] for kind in KINDS)

    def summary(self) -> str:
        kinds = ", ".join(f"{number:,} {kind}" for kind, number in sorted(self.kinds.items()))
        return f"{self.views.total():,} events to be counted; {self.hostile():,} hostile: {kinds}"


class Hostile:
    """Writes to the partitions of a topic; the seed decides what, where and how."""

    def __init__(self, brokers: str, topic: str, partitions: int, *, seed: int) -> None:
        self.written = Written()
        self._brokers = brokers
        self._topic = topic
        self._partitions = range(partitions)
        self._seed = seed
        self._chance = random.Random(seed)
        self._ids = 0

    async def write(self, count: int) -> None:
        """Write about `count` hostile records among as many good ones, by all codecs.

        Some are in transactions that are committed, aborted or left open.
        """
        producers = [await self._producer(codec) for codec in CODECS]
        fates = ("plain", "committed", "aborted", "left open")
        while self.written.hostile() < count:
            (fate,) = self._chance.choices(fates, (70, 15, 12, 1))
            if fate == "plain":
                await self._send(
                    self._chance.choice(producers), self._chance.choice(self._partitions)
                )
            else:
                await self.write_transaction(fate)
        await self.write_transaction("left open")
        for producer in producers:
            await producer.stop()

    async def write_transaction(self, fate: str) -> None:
        """Write batches to some partitions in a transaction, which has one of three ends."""
        producer = await self._producer(
            self._chance.choice(CODECS),
            transactional_id=f"hostile-{uuid4()}",
            transaction_timeout_ms=OPEN_SECONDS * 1000,
        )
        await producer.begin_transaction()
        partitions = self._chance.sample(
            self._partitions, self._chance.randint(1, len(self._partitions))
        )
        for partition in partitions:
            await self._send(producer, partition, counted=fate == "committed")
        if fate == "committed":
            await producer.commit_transaction()
        elif fate == "aborted":
            await producer.abort_transaction()
        await producer.stop()
        self.written.offsets.update(partitions)  # the markers; Kafka aborts what was left open
        self.written.kinds[f"transactions {fate}"] += 1

    async def write_times(self) -> None:
        """Write a good and a hostile record at each of `TIMES`, on a topic with CreateTime."""
        producer = await self._producer(None)
        for at in self._chance.sample(TIMES, len(TIMES)):
            items = [self._good(), self._hostile()]
            await self._write(producer, self._chance.choice(self._partitions), items, at=at)
            self.written.kinds["record times"] += 1
        await producer.stop()

    async def write_kind(self, kind: str, count: int) -> None:
        """Write `count` records of one kind, each in a batch of its own after a good one."""
        producer = await self._producer(self._chance.choice(CODECS))
        for _ in range(count):
            items = [self._good(), Item(kind, None, KINDS[kind].make(self._chance))]
            await self._write(producer, self._chance.choice(self._partitions), items)
        await producer.stop()

    async def write_bomb(self, size: int, partition: int, codec: str) -> None:
        """Write a batch of one record with a value of `size` zeros."""
        producer = await self._producer(codec)
        await self._write(producer, partition, [Item("bombs", None, bytes(size))])
        await producer.stop()

    async def _producer(self, codec: str | None, **options: Any) -> AIOKafkaProducer:
        producer = AIOKafkaProducer(
            bootstrap_servers=self._brokers,
            enable_idempotence=True,
            compression_type=codec,
            max_batch_size=1 << 30,
            **options,
        )
        await producer.start()
        return producer

    async def _send(
        self, producer: AIOKafkaProducer, partition: int, *, counted: bool = True
    ) -> None:
        """Write a batch, of which about half the records are good."""
        items: list[Item] = []
        size = 0
        for _ in range(self._chance.choice((1, 10, self._chance.randint(1, 400)))):
            item = self._good() if self._chance.random() < 0.5 else self._hostile()
            size += len(item.value or b"") + 200
            if items and size > BATCH_BYTES:
                break
            items.append(item)
        await self._write(producer, partition, items, counted=counted)

    async def _write(
        self,
        producer: AIOKafkaProducer,
        partition: int,
        items: Sequence[Item],
        *,
        at: int | None = None,
        counted: bool = True,
    ) -> None:
        batch = producer.create_batch()
        for item in items:
            batch.append(timestamp=at, key=item.key, value=item.value, headers=[*item.headers])
            self.written.kinds[item.kind] += 1
            if item.events and counted and item.key is not None:
                self.written.views[item.key.decode()] += item.events
        self.written.offsets[partition] += len(items)
        await (await producer.send_batch(batch, self._topic, partition=partition))

    def _good(self) -> Item:
        """Return a record of one event, or of several lines."""
        article = f"{GOOD_ARTICLE}{self._chance.randrange(500)}"
        lines = []
        for _ in range(1 if self._chance.random() < 0.95 else self._chance.randint(2, 20)):
            self._ids += 1
            name = f"{self._seed}-{self._ids}"
            lines.append(orjson.dumps({"type": "view", "article_id": article, "id": name}))
        return Item(GOOD, article.encode(), b"\n".join(lines), events=len(lines))

    def _hostile(self) -> Item:
        chance = self._chance
        (kind,) = chance.choices(list(KINDS), [each.weight for each in KINDS.values()])
        key = chance.choice([None, b"", b"key", chance.randbytes(8)])
        value = KINDS[kind].make(chance)
        headers = [("name", b"value"), ("", None), ("x" * 200, chance.randbytes(50))]
        return Item(kind, key, value, headers[: chance.choice([0, 0, 0, 1, 3])])
