"""A Faust transport that hands each fetched list of a partition on as one message.

Faust's cost is paid for each message (four asyncio tasks, bookkeeping of acks: 75 to 220 µs),
so a message that holds all records fetched of a partition makes one event a record almost as
cheap as a hundred. It overrides private methods of faust-streaming 0.15.3, which is pinned for
that reason; tests/unit/aggregator/test_transport.py holds them against the installed version.

It also starts each partition where the counters say, not where Kafka's committed offset does:
rows are written before offsets are committed, so the counters know better.
"""

import asyncio
from collections.abc import Mapping, Sequence, Set
from typing import Any

import faust
from aiokafka.errors import ConsumerStoppedError
from faust.sensors import Monitor
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, ConsumerMessage

from mostread.aggregator.stream.fetcher import fetched


class RecordListSchema(faust.Schema):  # type: ignore[misc]
    """The value of a message is its list of records, as fetched."""

    def loads_key(self, app: Any, message: Any, **_: Any) -> None:
        return None

    def loads_value(self, app: Any, message: Any, **_: Any) -> Sequence[Any]:
        records: Sequence[Any] = message.value
        return records


FETCH_WAIT_MS = 25


class ConsumerThread(driver.AIOKafkaConsumerThread):  # type: ignore[misc]
    """Takes records as aiokafka's parser has them, and lets the broker wait only shortly for more.

    Of each broker aiokafka has one fetch under way, for the partitions of which it holds
    nothing. A single idle partition among them keeps the answer waiting, 1.5 seconds as Faust
    sets it, and all busy ones with it.
    """

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = FETCH_WAIT_MS
        return consumer

    async def _fetch_records(
        self,
        consumer: Any,
        active_partitions: Set[TP],
        timeout: float = 1.0,  # noqa: ASYNC109 -- Faust's own
        max_records: int = 1,
    ) -> Mapping[TP, Sequence[Any]]:
        if not self.consumer.flow_active:
            return {}
        fetcher = consumer._fetcher
        if consumer._closed or fetcher._closed:
            raise ConsumerStoppedError
        with fetcher._subscriptions.fetch_context():
            return await fetched(fetcher, active_partitions, within=timeout, enough=max_records)


class RecordListConsumer(driver.Consumer):  # type: ignore[misc]
    """Fetches as Faust does, and wraps each partition's records into one message."""

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    async def perform_seek(self) -> None:
        """Seek to the committed offsets, then to where the counters say."""
        await super().perform_seek()
        assigned = self.assignment()
        starts = {tp: at for tp, at in self.transport.starts.items() if tp in assigned}
        if starts:
            await self.seek_wait(starts)
        for tp, offset in starts.items():
            # None, as everywhere in Faust, stands for an offset of 0.
            self._read_offset[tp] = offset or None
            self._committed_offset[tp] = offset or None

    def _new_offset(self, tp: TP) -> int | None:
        """Return the offset to commit.

        A message carries the offset of its last record, and the messages of a partition are
        acknowledged in their order: what lies below the highest is done. Faust's own way,
        to fill the offsets between with `_add_gap`, joins gaps of messages that are not
        acknowledged yet and commits beyond them.
        """
        acked = self._acked[tp]
        if not acked:
            return None
        offset: int = max(acked) + 1
        acked.clear()
        self._acked_index[tp].clear()
        return offset

    # Faust stops fetching a partition whose buffer is almost full, and where all are, it looks
    # again after a second. Our buffers are short, so it would mostly sleep; instead _hand_on
    # waits until there is room.
    def on_buffer_full(self, tp: TP) -> None: ...

    def on_buffer_drop(self, tp: TP) -> None: ...

    async def _drain_messages(self, fetcher: Any) -> None:
        try:
            while not (self._stopped.is_set() or fetcher._stopped.is_set()):
                await self.sleep(0)
                records, active = await self._wait_next_records(1.0)
                # Read after the fetch: read before it, records fetched across a rebalance
                # would carry the generation before it and be thrown away.
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
                        await self._hand_on(tp, each, generation)
        except self.consumer_stopped_errors:
            if not self.transport.app.should_stop:
                raise
        except asyncio.CancelledError:
            if not self.transport.app.should_stop:
                raise

    async def _hand_on(self, tp: TP, records: Sequence[Any], generation: int) -> None:
        read = self._read_offset[tp]
        if read is not None and records[0].offset < read:
            records = [record for record in records if record.offset >= read]
        if not records:
            return
        last = records[-1]
        message = ConsumerMessage(
            tp.topic,
            tp.partition,
            last.offset,
            last.timestamp / 1000.0,
            last.timestamp_type,
            (),
            None,
            records,
            None,
            0,
            0,
            tp,
            generation_id=generation,
        )
        await self.wait_first(self.callback(message), self.suspend_flow.wait())
        if self.flow_active:
            self._read_offset[tp] = last.offset


class RecordListTransport(driver.Transport):  # type: ignore[misc]
    """The aiokafka transport with the consumer above.

    `starts` holds the offset at which each partition begins, and is set after a rebalance
    before the partitions flow.
    """

    Consumer = RecordListConsumer

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.starts: Mapping[TP, int] = {}


class QuietMonitor(Monitor):  # type: ignore[misc]
    """Faust's monitor without what it does for each message; our metrics are per flush."""

    def on_message_in(self, tp: TP, offset: int, message: Any) -> None: ...

    def on_stream_event_in(self, tp: TP, offset: int, stream: Any, event: Any) -> None: ...

    def on_stream_event_out(
        self, tp: TP, offset: int, stream: Any, event: Any, state: Any = None
    ) -> None: ...

    def on_message_out(self, tp: TP, offset: int, message: Any) -> None: ...
