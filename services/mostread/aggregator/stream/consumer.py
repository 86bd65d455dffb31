"""Checkpoints and stopped partitions, which both transports add to Faust's consumer.

Partitions start at their checkpoint and not at Kafka's committed offset: rows are written before
offsets are committed, so the checkpoint is never behind.
"""

from collections.abc import Mapping, Set
from typing import Any

import faust
from faust.sensors import Monitor
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, ConsumerMessage

from mostread.aggregator.stream import batches
from mostread.aggregator.stream.fetch_errors import FetchErrors
from mostread.errors import UnreadableBatch


class RawSchema(faust.Schema):  # type: ignore[misc]
    """Schema of messages whose value is passed on as it is."""

    def loads_key(self, app: Any, message: Any, **_: Any) -> None:
        return None

    def loads_value(self, app: Any, message: Any, **_: Any) -> Any:
        return message.value


class CommittedReads(driver.AIOKafkaConsumerThread):  # type: ignore[misc]
    """Consumer thread that reads within bounds, and nothing of open and aborted transactions."""

    def _create_worker_consumer(self, transport: Any) -> Any:
        batches.install()
        consumer = super()._create_worker_consumer(transport)
        consumer._isolation_level = "read_committed"
        FetchErrors(consumer)
        return consumer


class CheckpointConsumer(driver.Consumer):  # type: ignore[misc]
    """Consumer that begins at checkpoints, and stops single partitions.

    `stopped` holds the partitions that are not fetched. A partition is stopped by a last message,
    whose value is an UnreadableBatch.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.stopped: frozenset[TP] = frozenset()

    async def perform_seek(self) -> None:
        """Seek to the committed offsets, then to the checkpoints."""
        await super().perform_seek()
        assigned = self.assignment()
        starts = {tp: at for tp, at in self.transport.starts.items() if tp in assigned}
        if starts:
            await self.seek_wait(starts)
        for tp, offset in starts.items():
            self._begin_at(tp, offset)
        self.stopped = frozenset(self.transport.stopped & assigned)

    async def restart(self, tp: TP, offset: int) -> None:
        """Fetch a stopped partition again, from `offset` on."""
        # First: `perform_seek` may be running, or still to come in this generation.
        self.transport.starts = {**self.transport.starts, tp: offset}
        self.transport.stopped -= {tp}
        await self.seek_wait({tp: offset})
        self._begin_at(tp, offset)
        self.stopped -= {tp}

    def stop_partition(self, unreadable: UnreadableBatch, generation: int) -> ConsumerMessage:
        """Stop fetching a partition, and return its last message."""
        tp = TP(unreadable.topic, unreadable.partition)
        self.stopped |= {tp}
        return new_message(tp, unreadable, unreadable.offset, 0, generation)

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


class CheckpointTransport(driver.Transport):  # type: ignore[misc]
    """The aiokafka transport with checkpoints.

    `starts` maps partitions to their first offset, and `stopped` are those that nobody reads yet.
    Both are set after a rebalance before records flow.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.starts: Mapping[TP, int] = {}
        self.stopped: Set[TP] = set()


def new_message(tp: TP, value: Any, offset: int, time: int, generation: int) -> ConsumerMessage:
    """Return a message whose last record has `offset` and `time` (ms)."""
    return ConsumerMessage(
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


class QuietMonitor(Monitor):  # type: ignore[misc]
    """Faust's monitor without its work per message; mostread's metrics are per flush."""

    def on_message_in(self, tp: TP, offset: int, message: Any) -> None: ...

    def on_stream_event_in(self, tp: TP, offset: int, stream: Any, event: Any) -> None: ...

    def on_stream_event_out(
        self, tp: TP, offset: int, stream: Any, event: Any, state: Any = None
    ) -> None: ...

    def on_message_out(self, tp: TP, offset: int, message: Any) -> None: ...
