"""The fast transport: Faust's, with lists of records as messages.

Faust's cost is per message (four asyncio tasks, bookkeeping of acks: 75 to 220 µs), so a message
with all fetched records of a partition makes records of one event almost as cheap as records of a
hundred. The transport overrides private methods of the version that transports.py names;
tests/unit/aggregator/test_transport.py compares them with the installed one.
"""

import asyncio
from collections.abc import Sequence, Set
from typing import Any

from aiokafka.errors import ConsumerStoppedError
from faust.types import TP, ConsumerMessage

from mostread.aggregator.stream.consumer import (
    CheckpointConsumer,
    CheckpointTransport,
    CommittedReads,
    new_message,
)
from mostread.aggregator.stream.fetcher import MAX_TAKE_BYTES, RecordFetcher, Records, Taken
from mostread.core.records import Record
from mostread.errors import UnreadableBatch

FETCH_WAIT_MS = 25
ROOM_SECONDS = 0.05
LARGE_BYTES = 2 * MAX_TAKE_BYTES
"""Bytes of a message beyond which it is the only one in memory."""


class FastThread(CommittedReads):
    """Consumer thread that fetches with a short wait, past aiokafka's record objects.

    aiokafka has one fetch per broker in flight, for all partitions without fetched records. A
    single idle partition delays the response by up to 1.5 seconds in Faust's configuration, and
    all busy partitions with it.
    """

    _fetcher: RecordFetcher | None = None

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
                active_partitions - self.consumer.stopped,
                timeout=timeout,
                max_records=max_records,
            )


class FastConsumer(CheckpointConsumer):
    """Consumer that wraps the fetched records of each partition into one message."""

    def _new_consumer_thread(self) -> FastThread:
        return FastThread(self, loop=self.loop, beacon=self.beacon)

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

    async def _pass_on(self, tp: TP, records: Records | UnreadableBatch, generation: int) -> None:
        if isinstance(records, UnreadableBatch):
            await self._send(self.stop_partition(records, generation))
            return
        if records.size > LARGE_BYTES:
            await self._wait_alone()
        read = self._read_offset[tp]
        unread: Sequence[Record] = records
        if read is not None and records[0].offset < read:
            unread = [record for record in records if record.offset >= read]
        if unread:
            last = unread[-1]
            await self._send(new_message(tp, unread, last.offset, last.timestamp, generation))
            if self.flow_active:
                self._read_offset[tp] = last.offset

    async def _wait_alone(self) -> None:
        """Wait until every message is written: one may be as large as all others together."""
        while self.unacked and self.flow_active and not self.should_stop:
            await self.sleep(ROOM_SECONDS)

    async def _send(self, message: ConsumerMessage) -> None:
        await self.wait_first(self.callback(message), self.suspend_flow.wait())


class FastTransport(CheckpointTransport):
    """The aiokafka transport with FastConsumer."""

    Consumer = FastConsumer
