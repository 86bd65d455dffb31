"""The log beside Faust's own reading of it: its identity, its ends, and its recent past."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, asynccontextmanager

from aiokafka import AIOKafkaConsumer
from aiokafka import TopicPartition as Place
from aiokafka.errors import KafkaError
from kafka import KafkaAdminClient

from mostread.core.records import Record
from mostread.errors import KafkaUnavailable
from mostread.infra.kafka import topics
from mostread.infra.kafka.admin import check_aggregator_access
from mostread.infra.kafka.config import KafkaSettings, client_options
from mostread.infra.kafka.errors import translate_error

PATIENCE_SECONDS = 10


class EventLog:
    """The events topic, asked without a consumer group.

    Every method raises KafkaUnavailable where no broker answers; it may be called again.
    """

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._name = settings.events_topic
        self._admin: KafkaAdminClient | None = None
        self._consumer: AIOKafkaConsumer | None = None
        # kafka-python blocks, and its client is for one thread.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="kafka-admin")

    async def close(self) -> None:
        self._thread.submit(self._forget_admin)
        self._thread.shutdown(wait=False)
        await self._forget_consumer()

    async def topic(self) -> topics.Topic:
        """Return the topic as it is now. Raises Misconfigured where there is none."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._describe)

    async def require_rights(self, group: str) -> None:
        """Raise Misconfigured where a worker in `group` lacks a topic or a right to one."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._thread, self._require_rights, group)

    async def ends(self, partitions: Sequence[int]) -> dict[int, tuple[int, int]]:
        """Return the first offset of each partition and the one after its last."""
        places = [Place(self._name, partition) for partition in partitions]
        async with self._asking() as consumer:
            begin = await consumer.beginning_offsets(places)
            end = await consumer.end_offsets(places)
        return {place.partition: (begin[place], end[place]) for place in places}

    async def reread(
        self, partition: int, *, since: int, until: int
    ) -> AsyncGenerator[Sequence[Record], None]:
        """Yield the records below the offset `until`, from the first of time `since` (ms) on."""
        start = await self.offset_at(partition, since)
        if start is not None:
            async with aclosing(self.read(partition, start, until)) as fetched:
                async for records in fetched:
                    yield records

    async def offset_at(self, partition: int, time: int) -> int | None:
        """Return the offset of the first record of `time` (ms) or later, None if there is none."""
        place = Place(self._name, partition)
        async with self._asking() as consumer:
            found = (await consumer.offsets_for_times({place: time}))[place]
        return None if found is None else int(found.offset)

    async def read(
        self, partition: int, start: int, until: int
    ) -> AsyncGenerator[Sequence[Record], None]:
        """Yield the records from the offset `start` on, below `until`."""
        if start >= until:
            return
        place = Place(self._name, partition)
        consumer = await self._started()
        try:
            consumer.assign([place])
            consumer.seek(place, start)
            empty = 0
            while await consumer.position(place) < until:
                fetched = await consumer.getmany(place, timeout_ms=1000)
                # With its broker away aiokafka fetches nothing, and says nothing.
                empty = 0 if fetched else empty + 1
                if empty > PATIENCE_SECONDS:
                    raise KafkaUnavailable(f"{self._name}/{partition} is not readable just now")
                records = [r for r in fetched.get(place, ()) if r.offset < until]
                if records:
                    yield records
        except (KafkaError, OSError) as error:
            what = f"{self._name}/{partition} cannot be read"
            raise translate_error(error, self._settings, what) from error
        finally:
            await consumer.stop()

    @asynccontextmanager
    async def _asking(self) -> AsyncGenerator[AIOKafkaConsumer, None]:
        try:
            if self._consumer is None:
                self._consumer = await self._started()
            yield self._consumer
        except (KafkaError, OSError) as error:
            await self._forget_consumer()
            what = f"Kafka does not say where {self._name} stands"
            raise translate_error(error, self._settings, what) from error

    async def _started(self) -> AIOKafkaConsumer:
        consumer = AIOKafkaConsumer(
            **client_options(self._settings),
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            max_partition_fetch_bytes=4 << 20,
        )
        try:
            await consumer.start()
        except (KafkaError, OSError) as error:
            await consumer.stop()
            raise await asyncio.to_thread(translate_error, error, self._settings) from error
        return consumer

    async def _forget_consumer(self) -> None:
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await consumer.stop()

    def _describe(self) -> topics.Topic:
        try:
            return topics.describe(self._connected(), self._name)
        except KafkaUnavailable:
            self._forget_admin()
            raise

    def _require_rights(self, group: str) -> None:
        try:
            check_aggregator_access(self._connected(), self._settings, group)
        except KafkaUnavailable:
            self._forget_admin()
            raise

    def _connected(self) -> KafkaAdminClient:
        if self._admin is None:
            self._admin = topics.connect_admin(self._settings)
        return self._admin

    def _forget_admin(self) -> None:
        admin, self._admin = self._admin, None
        if admin is not None:
            admin.close()
