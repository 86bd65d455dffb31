"""A Faust transport whose messages are lists of records.

Faust's cost is per message (four asyncio tasks, bookkeeping of acks: 75 to 220 µs), so a message
with all fetched records of a partition makes records of one event almost as cheap as records of a
hundred. The transport overrides private methods of faust-streaming 0.15.3, which is pinned for
that reason; tests/unit/aggregator/test_transport.py compares them with the installed version.

Partitions start at their checkpoint and not at Kafka's committed offset: rows are written before
offsets are committed, so the checkpoint is never behind.
"""

import asyncio
from collections.abc import Mapping, Sequence, Set
from typing import Any

import faust
from aiokafka.errors import ConsumerStoppedError
from faust.sensors import Monitor
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, ConsumerMessage

from mostread.aggregator.stream.fetcher import RecordFetcher, Taken
from mostread.errors import UnreadableBatch


class RecordListSchema(faust.Schema):  # type: ignore[misc]
    """Schema of messages whose value is a list of fetched records."""

    def loads_key(self, app: Any, message: Any, **_: Any) -> None:
        return None

    def loads_value(self, app: Any, message: Any, **_: Any) -> Sequence[Any]:
        records: Sequence[Any] = message.value
        return records


FETCH_WAIT_MS = 25


class ConsumerThread(driver.AIOKafkaConsumerThread):  # type: ignore[misc]
    """Consumer thread that fetches with a short wait, past aiokafka's record objects.

    aiokafka has one fetch per broker in flight, for all partitions without fetched records. A
    single idle partition delays the response by up to 1.5 seconds in Faust's configuration, and
    all busy partitions with it.
    """

    _fetcher: RecordFetcher | None = None

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = FETCH_WAIT_MS
        consumer._isolation_level = "read_committed"
        return consumer

    async def _fetch_records(
        self,
        consumer: Any,
        active_partitions: Set[TP],
        timeout: float = 1.0,  # noqa: ASYNC109 -- Faust's own
        max_records: int = 1,
    ) -> Taken:
        if not self.consumer.flow_active:
            return {}
        fetcher = consumer._fetcher
        if consumer._closed or fetcher._closed:
            raise ConsumerStoppedError
        if self._fetcher is None:
            self._fetcher = RecordFetcher(fetcher)
        with fetcher._subscriptions.fetch_context():
            return await self._fetcher.fetch(
                active_partitions, timeout=timeout, max_records=max_records
            )


class RecordListConsumer(driver.Consumer):  # type: ignore[misc]
    """Consumer that wraps the fetched records of each partition into one message."""

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    async def perform_seek(self) -> None:
        """Seek to the committed offsets, then to the checkpoints."""
        await super().perform_seek()
        assigned = self.assignment()
        starts = {tp: at for tp, at in self.transport.starts.items() if tp in assigned}
        self.pause_partitions(self.transport.stopped & assigned)
        if starts:
            await self.seek_wait(starts)
        for tp, offset in starts.items():
            self._begin_at(tp, offset)

    async def restart(self, tp: TP, offset: int) -> None:
        """Seek to `offset` in a partition that was stopped, and fetch it again."""
        await self.seek_wait({tp: offset})
        self._begin_at(tp, offset)
        self.resume_partitions({tp})

    def _begin_at(self, tp: TP, offset: int) -> None:
        # Faust uses None for offset 0.
        self._read_offset[tp] = offset or None
        self._committed_offset[tp] = offset or None

    def _new_offset(self, tp: TP) -> int | None:
        """Return the offset to commit.

        A message has the offset of its last record, and the messages of a partition are
        acknowledged in order: everything below the highest is processed. Faust's own method, which
        fills the offsets between with `_add_gap`, joins gaps of unacknowledged messages and
        commits beyond them.
        """
        acked = self._acked[tp]
        if not acked:
            return None
        offset: int = max(acked) + 1
        acked.clear()
        self._acked_index[tp].clear()
        return offset

    # Faust pauses a partition whose buffer is almost full, and polls once per second while all
    # are. With buffers this short it would mostly sleep; instead _pass_on waits for room.
    def on_buffer_full(self, tp: TP) -> None: ...

    def on_buffer_drop(self, tp: TP) -> None: ...

    async def _drain_messages(self, fetcher: Any) -> None:
        try:
            while not (self._stopped.is_set() or fetcher._stopped.is_set()):
                await self.sleep(0)
                records, active = await self._wait_next_records(1.0)
                # Read the generation after the fetch: with the one before it, records fetched
                # across a rebalance would be discarded.
                generation = self.app.consumer_generation_id
                if not records or self.should_stop:
                    continue
                if not self.flow_active:
                    await self.perform_seek()
                    continue
                for tp, each in records.items():
                    if not self.flow_active or self.app.consumer_generation_id != generation:
                        break
                    if active is None or tp in active:
                        await self._pass_on(tp, each, generation)
        except self.consumer_stopped_errors:
            if not self.transport.app.should_stop:
                raise
        except asyncio.CancelledError:
            if not self.transport.app.should_stop:
                raise

    async def _pass_on(
        self, tp: TP, records: Sequence[Any] | UnreadableBatch, generation: int
    ) -> None:
        if isinstance(records, UnreadableBatch):
            self.pause_partitions({tp})
            await self._send(tp, records, records.offset, 0, generation)
            return
        read = self._read_offset[tp]
        if read is not None and records[0].offset < read:
            records = [record for record in records if record.offset >= read]
        if records:
            last = records[-1]
            if await self._send(tp, records, last.offset, last.timestamp, generation):
                self._read_offset[tp] = last.offset

    async def _send(self, tp: TP, value: Any, offset: int, time: int, generation: int) -> bool:
        """Pass a message to its agent, and return whether the partitions still flow."""
        message = ConsumerMessage(
            tp.topic,
            tp.partition,
            offset,
            time / 1000.0,
            0,
            (),
            None,
            value,
            None,
            0,
            0,
            tp,
            generation_id=generation,
        )
        await self.wait_first(self.callback(message), self.suspend_flow.wait())
        return bool(self.flow_active)


class RecordListTransport(driver.Transport):  # type: ignore[misc]
    """The aiokafka transport with RecordListConsumer.

    `starts` maps partitions to their first offset, and `stopped` are those that nobody reads yet.
    Both are set after a rebalance before records flow.
    """

    Consumer = RecordListConsumer

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.starts: Mapping[TP, int] = {}
        self.stopped: Set[TP] = set()


class QuietMonitor(Monitor):  # type: ignore[misc]
    """Faust's monitor without its work per message; mostread's metrics are per flush."""

    def on_message_in(self, tp: TP, offset: int, message: Any) -> None: ...

    def on_stream_event_in(self, tp: TP, offset: int, stream: Any, event: Any) -> None: ...

    def on_stream_event_out(
        self, tp: TP, offset: int, stream: Any, event: Any, state: Any = None
    ) -> None: ...

    def on_message_out(self, tp: TP, offset: int, message: Any) -> None: ...
