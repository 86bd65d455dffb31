"""Every fetched record is returned once; private parts of aiokafka are unchanged."""

import asyncio
import gc
import hashlib
import inspect
import struct
import weakref
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.consumer.fetcher import READ_COMMITTED, Fetcher, FetchResult, PartitionRecords
from aiokafka.consumer.subscription_state import SubscriptionState
from aiokafka.errors import OffsetOutOfRangeError
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.util import calc_crc32c

from mostread.aggregator.stream.batches import Batches
from mostread.aggregator.stream.fetcher import RecordFetcher, take_batches
from mostread.errors import UnreadableBatch
from mostread.infra.kafka.batches import BoundedBatches
from mostread.infra.kafka.decompression import UnreadableError
from tests.support.segments import break_last_record, sign

METHODS: dict[Callable[..., object], str] = {
    Fetcher.fetched_records: "be4348896b9b",
    Fetcher._proc_fetch_request: "59bf948fff47",
    Fetcher._fetch_requests_routine: "2a8ec5932644",
    Fetcher._create_fetch_waiter: "61d840568746",
    FetchResult.check_assignment: "b5340df67e3f",
    FetchResult.getall: "3e717e30de50",
    FetchResult._update_position: "83fb1473bf10",
    PartitionRecords._unpack_records: "b803e6d46480",
    PartitionRecords._consume_aborted_up_to: "56876530cd64",
    PartitionRecords._contains_abort_marker: "17e9ad2322ef",
}
PARTITIONS = [TopicPartition("events", number) for number in range(3)]
FIRST, SECOND, THIRD = PARTITIONS
GZIP = 1
HEADER_BYTES = 61
ABORT, COMMIT = b"\0\0\0\0", b"\0\0\0\1"


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.__qualname__)
def test_used_aiokafka_method_is_unchanged(method: Callable[..., object]) -> None:
    source = inspect.getsource(method)
    assert hashlib.sha256(source.encode()).hexdigest()[:12] == METHODS[method], (
        "read the new version, then adapt mostread/aggregator/stream/fetcher.py"
    )


def batch(
    first: int,
    offsets: Sequence[int],
    *,
    compression: int = 0,
    producer: int = -1,
    marker: bytes | None = None,
) -> bytes:
    """Return a batch from `first` on, with records at `offsets` whose value is their offset.

    With a `producer` it belongs to a transaction, which a `marker` ends.
    """
    transactional = producer >= 0
    builder = DefaultRecordBatchBuilder(2, compression, transactional, producer, 0, 0, 1 << 20)
    for offset in offsets:
        builder.append(offset - first, 1000 + offset, marker or b"key", str(offset).encode(), [])
    data = bytearray(builder.build())
    struct.pack_into(">q", data, 0, first)
    if marker:
        data[22] |= 1 << 5  # the low byte of the attributes
        data[17:21] = struct.pack(">I", calc_crc32c(bytes(data[21:])))
    return bytes(data)


def without_record(batch: bytes) -> bytes:
    """Return the header of a batch whose record compaction has removed."""
    data = bytearray(batch[:HEADER_BYTES])
    struct.pack_into(">i", data, 8, HEADER_BYTES - 12)
    struct.pack_into(">i", data, HEADER_BYTES - 4, 0)
    sign(data)
    return bytes(data)


def corrupt(batch: bytes) -> bytes:
    return batch[:-1] + bytes([batch[-1] ^ 1])


class Reading:
    """A fetcher without a broker: tests put in the fetched batches."""

    def __init__(self) -> None:
        self.subscriptions = SubscriptionState()
        self.subscriptions.assign_from_user(PARTITIONS)
        self.fetcher = Fetcher(AIOKafkaClient(), self.subscriptions, auto_offset_reset="earliest")
        self.fetcher._fetch_task.cancel()
        self.records = RecordFetcher(self.fetcher)
        for tp in PARTITIONS:
            self.subscriptions.seek(tp, 0)

    def put(
        self,
        tp: TopicPartition,
        *batches: bytes,
        offset: int = 0,
        aborted: Sequence[tuple[int, int]] = (),
    ) -> FetchResult:
        """Add fetched batches of `tp` from `offset` on."""
        self.subscriptions.seek(tp, offset)
        part = PartitionRecords(
            tp, Batches(b"".join(batches)), aborted, offset, None, None, True, READ_COMMITTED
        )
        assignment = self.subscriptions.subscription.assignment
        result = FetchResult(tp, assignment=assignment, partition_records=part, backoff=0)
        self.fetcher._records[tp] = result
        return result

    async def read(
        self,
        *partitions: TopicPartition,
        max_records: int = 100,
        timeout: float = 0,  # noqa: ASYNC109
    ) -> dict[int, list[int] | UnreadableBatch]:
        """Return the offsets read by number of the partition, or why it cannot be read."""
        taken = await self.records.fetch(
            partitions or PARTITIONS, timeout=timeout, max_records=max_records
        )
        return {
            tp.partition: part
            if isinstance(part, UnreadableBatch)
            else [record.offset for record in part]
            for tp, part in taken.items()
        }

    def position(self, tp: TopicPartition) -> int:
        return int(self.subscriptions.subscription.assignment.state_value(tp).position)


FETCHES: dict[str, tuple[int, list[bytes], list[tuple[int, int]]]] = {
    "batches": (0, [batch(0, [0, 1, 2]), batch(3, [3])], []),
    "begins within a batch": (2, [batch(0, [0, 1, 2, 3]), batch(4, [4])], []),
    "compressed": (1, [batch(0, [0, 1, 2], compression=GZIP)], []),
    "compacted": (0, [batch(0, [1, 4]), batch(9, [9])], []),
    "cut off": (0, [batch(0, [0, 1]), batch(2, [2, 3])[:-5]], []),
    "a marker alone": (0, [batch(0, [0], producer=7, marker=COMMIT)], []),
    "a marker that compaction has removed": (
        0,
        [without_record(batch(0, [0], producer=7, marker=ABORT)), batch(1, [1])],
        [],
    ),
    "committed": (
        0,
        [batch(0, [0], producer=7), batch(1, [1], producer=7, marker=COMMIT), batch(2, [2])],
        [],
    ),
    "aborted among others": (
        0,
        [
            batch(0, [0], producer=7),
            batch(1, [1]),
            batch(2, [2], producer=8),
            batch(3, [3], producer=7, marker=ABORT),
            batch(4, [4], producer=7),
            batch(5, [5], producer=8, marker=ABORT),
            batch(6, [6], producer=7, marker=COMMIT),
            batch(7, [7], producer=8),
        ],
        [(8, 2), (7, 0)],
    ),
}


@pytest.mark.parametrize("name", FETCHES)
@pytest.mark.parametrize("max_records", [1, 2, 100])
async def test_records_equal_those_of_aiokafka(name: str, max_records: int) -> None:
    offset, batches, aborted = FETCHES[name]
    own, reference = Reading(), Reading()
    for reading in (own, reference):
        reading.put(FIRST, *batches, offset=offset, aborted=aborted)
    expected: list[Any] = []
    records: list[Any] = []
    while reference.fetcher._records:
        for part in (await reference.fetcher.fetched_records(PARTITIONS, 0, 1)).values():
            expected += part
    while own.fetcher._records:
        fetched = await own.records.fetch(PARTITIONS, timeout=0, max_records=max_records)
        for part in fetched.values():
            assert not isinstance(part, UnreadableBatch)
            records += part
    assert [(r.offset, r.timestamp, r.key, r.value) for r in records] == [
        (r.offset, r.timestamp, r.key, r.value) for r in expected
    ]
    assert own.position(FIRST) == reference.position(FIRST)


async def test_read_stops_at_max_records_and_continues_next() -> None:
    reading = Reading()
    reading.put(FIRST, batch(0, [0, 1, 2]), batch(3, [3, 4]))
    reading.put(SECOND, batch(0, [0]))
    assert await reading.read(max_records=2) == {0: [0, 1, 2]}
    assert reading.position(FIRST) == 3
    assert await reading.read(max_records=3) == {0: [3, 4], 1: [0]}
    assert await reading.read() == {}


async def test_records_of_other_partition_stay_buffered() -> None:
    reading = Reading()
    reading.put(FIRST, batch(0, [0]))
    assert await reading.read(SECOND) == {}
    assert await reading.read(FIRST) == {0: [0]}


async def test_records_fetched_before_seek_are_dropped() -> None:
    reading = Reading()
    reading.put(FIRST, batch(0, [0, 1]))
    reading.subscriptions.seek(FIRST, 1)
    assert await reading.read() == {}
    assert reading.position(FIRST) == 1
    assert not reading.fetcher._records


async def test_records_of_previous_assignment_are_dropped() -> None:
    reading = Reading()
    reading.put(FIRST, batch(0, [0]))
    reading.subscriptions.unsubscribe()
    reading.subscriptions.assign_from_user([SECOND])
    assert await reading.read(FIRST) == {}
    assert not reading.fetcher._records


@pytest.mark.parametrize("good", [0, 1])
async def test_broken_batch_is_unreadable_once_fetched_twice(good: int) -> None:
    """Records before it, and of other partitions, are neither lost nor skipped."""
    reading = Reading()
    reading.put(FIRST, batch(0, [0]))
    batches = [batch(0, [0]), corrupt(batch(1, [1]))][1 - good :]
    result = reading.put(SECOND, *batches, offset=1 - good)
    result._assignment.state_value(SECOND).highwater = 5
    assert await reading.read() == {0: [0]} | ({1: [0]} if good else {})
    assert reading.position(SECOND) == 1
    assert SECOND not in reading.fetcher._records
    reading.put(SECOND, *batches, offset=1)
    reading.put(FIRST, batch(1, [1]), offset=1)
    read = await reading.read()
    unreadable = read.pop(1)
    assert isinstance(unreadable, UnreadableBatch)
    assert (unreadable.offset, unreadable.next_offset) == (1, 2)
    assert unreadable.reason == "wrong checksum"
    assert read == {0: [1]}
    assert reading.position(SECOND) == 1
    assert SECOND not in reading.fetcher._records


async def test_records_before_broken_one_of_batch_are_read() -> None:
    data = bytearray(batch(0, [0, 1, 2]))
    break_last_record(data)
    reading = Reading()
    reading.put(FIRST, bytes(data), batch(3, [3]))
    assert await reading.read() == {0: [0, 1]}
    assert reading.position(FIRST) == 2
    assert FIRST not in reading.fetcher._records
    result = reading.put(FIRST, bytes(data), batch(3, [3]), offset=2)
    result._assignment.state_value(FIRST).highwater = 4
    unreadable = (await reading.read())[0]
    assert isinstance(unreadable, UnreadableBatch)
    assert (unreadable.offset, unreadable.next_offset) == (2, 3)


async def test_header_that_points_beyond_partition_is_not_believed() -> None:
    data = bytearray(batch(0, [0]))
    struct.pack_into(">i", data, 23, 1 << 30)
    reading = Reading()
    for _ in range(2):
        result = reading.put(FIRST, bytes(data))
        result._assignment.state_value(FIRST).highwater = 9
        read = await reading.read()
    unreadable = read[0]
    assert isinstance(unreadable, UnreadableBatch)
    assert unreadable.next_offset is None


async def test_read_stops_at_max_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    reading = Reading()
    reading.put(FIRST, *(batch(offset, [offset]) for offset in range(3)))
    reading.put(SECOND, batch(0, [0]))
    monkeypatch.setattr("mostread.aggregator.stream.fetcher.MAX_TAKE_BYTES", len(batch(0, [0])) + 1)
    assert await reading.read() == {0: [0, 1]}
    monkeypatch.undo()
    assert await reading.read() == {0: [2], 1: [0]}


@pytest.mark.parametrize(
    ("offsets", "good"),
    [([1, 1, 1], [1]), ([3, 2, 1], []), ([1, 2, 1000], [1, 2]), ([1, -4, 3], [1])],
)
async def test_record_with_impossible_offset_is_unreadable(
    offsets: list[int], good: list[int]
) -> None:
    data = bytearray(batch(1, offsets))
    struct.pack_into(">i", data, 23, 2)  # the broker sets the delta of the last offset
    sign(data)
    reading = Reading()
    reading.put(FIRST, batch(0, [0]), bytes(data), batch(4, [4]))
    assert await reading.read() == {0: [0, *good]}
    for _ in range(2):
        position = reading.position(FIRST)
        reading.put(FIRST, bytes(data), batch(4, [4]), offset=position)
        result = (await reading.read()).get(0)
    assert isinstance(result, UnreadableBatch)
    assert "out of order" in str(result)
    assert result.offset == position == [0, *good][-1] + 1 < 4
    with pytest.raises(UnreadableError, match="out of order"):
        list(Batches(bytes(data)).next_batch())
    with pytest.raises(UnreadableError, match="out of order"):
        list(BoundedBatches(bytes(data)).next_batch() or ())


async def test_batch_that_failed_once_is_read() -> None:
    reading = Reading()
    reading.put(FIRST, corrupt(batch(0, [0])))
    assert await reading.read() == {}
    reading.put(FIRST, batch(0, [0]))
    assert await reading.read() == {0: [0]}


async def test_error_follows_records_fetched_before_it() -> None:
    reading = Reading()
    reading.put(FIRST, batch(0, [0]))
    reading.fetcher._set_error(SECOND, OffsetOutOfRangeError({SECOND: 7}))
    reading.put(THIRD, batch(0, [0]))
    assert await reading.read() == {0: [0]}
    with pytest.raises(OffsetOutOfRangeError):
        await reading.read()
    assert await reading.read() == {2: [0]}


async def test_read_waits_for_records_and_raises_group_errors() -> None:
    reading = Reading()
    waiting = asyncio.create_task(reading.read(timeout=60))
    await asyncio.sleep(0)
    assert reading.fetcher._fetch_waiters
    reading.put(FIRST, batch(0, [0]))
    for waiter in reading.fetcher._fetch_waiters:
        reading.fetcher._notify(waiter)
    assert await waiting == {0: [0]}
    waiting = asyncio.create_task(reading.read(timeout=60))
    await asyncio.sleep(0)
    assert reading.fetcher._fetch_waiters
    reading.subscriptions.abort_waiters(OffsetOutOfRangeError())
    with pytest.raises(OffsetOutOfRangeError):
        await waiting


async def test_read_batches_are_freed_without_garbage_collection() -> None:
    """The aggregator collects garbage rarely, and a fetch takes megabytes."""
    reading = Reading()
    result = reading.put(FIRST, batch(0, [0]))
    fetch = weakref.ref(result._partition_records)
    gc.disable()
    try:
        assert len(take_batches(result, 100, 1 << 20).records) == 1
        assert fetch() is None
    finally:
        gc.enable()
