"""Every fetched record is returned once; private parts of aiokafka are unchanged."""

import asyncio
import gc
import hashlib
import inspect
import struct
import weakref
from collections.abc import Callable, Sequence
from importlib.metadata import version
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.consumer.fetcher import Fetcher, FetchResult, PartitionRecords
from aiokafka.consumer.subscription_state import SubscriptionState
from aiokafka.errors import CorruptRecordException, OffsetOutOfRangeError
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.record.util import calc_crc32c

from mostread.aggregator.stream.fetcher import fetch_records, take_batches

METHODS: dict[Callable[..., object], str] = {
    Fetcher.fetched_records: "be4348896b9b",
    Fetcher._proc_fetch_request: "59bf948fff47",
    Fetcher._fetch_requests_routine: "2a8ec5932644",
    Fetcher._create_fetch_waiter: "61d840568746",
    FetchResult.check_assignment: "b5340df67e3f",
    FetchResult.getall: "3e717e30de50",
    FetchResult._update_position: "83fb1473bf10",
    PartitionRecords._unpack_records: "b803e6d46480",
}
PARTITIONS = [TopicPartition("events", number) for number in range(3)]
FIRST, SECOND, THIRD = PARTITIONS
GZIP = 1


def test_aiokafka_has_the_pinned_version() -> None:
    assert version("aiokafka") == "0.14.0"


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.__qualname__)
def test_used_aiokafka_method_is_unchanged(method: Callable[..., object]) -> None:
    source = inspect.getsource(method)
    assert hashlib.sha256(source.encode()).hexdigest()[:12] == METHODS[method], (
        "read the new version, then adapt mostread/aggregator/stream/fetcher.py"
    )


def batch(
    first: int, offsets: Sequence[int], *, compression: int = 0, control: bool = False
) -> bytes:
    """Return a batch from `first` on, with records at `offsets` whose value is their offset."""
    builder = DefaultRecordBatchBuilder(2, compression, False, -1, -1, -1, 1 << 20)
    for offset in offsets:
        builder.append(offset - first, 1000 + offset, b"key", str(offset).encode(), [])
    data = bytearray(builder.build())
    struct.pack_into(">q", data, 0, first)
    if control:
        data[22] |= 1 << 5  # the low byte of the attributes
        data[17:21] = struct.pack(">I", calc_crc32c(bytes(data[21:])))
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
        for tp in PARTITIONS:
            self.subscriptions.seek(tp, 0)

    def put(self, tp: TopicPartition, *batches: bytes, offset: int = 0) -> FetchResult:
        """Add fetched batches of `tp` from `offset` on."""
        self.subscriptions.seek(tp, offset)
        part = PartitionRecords(
            tp, MemoryRecords(b"".join(batches)), [], offset, None, None, True, 0
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
    ) -> dict[int, list[int]]:
        """Return the offsets read, by number of the partition."""
        records = await fetch_records(
            self.fetcher, partitions or PARTITIONS, timeout=timeout, max_records=max_records
        )
        return {tp.partition: [record.offset for record in part] for tp, part in records.items()}

    def position(self, tp: TopicPartition) -> int:
        return int(self.subscriptions.subscription.assignment.state_value(tp).position)


FETCHES = {
    "batches": (0, [batch(0, [0, 1, 2]), batch(3, [3])]),
    "begins within a batch": (2, [batch(0, [0, 1, 2, 3]), batch(4, [4])]),
    "compressed": (1, [batch(0, [0, 1, 2], compression=GZIP)]),
    "compacted": (0, [batch(0, [1, 4]), batch(9, [9])]),
    "a mark between": (0, [batch(0, [0]), batch(1, [1], control=True), batch(2, [2])]),
    "nothing but a mark": (0, [batch(0, [0], control=True)]),
    "cut off": (0, [batch(0, [0, 1]), batch(2, [2, 3])[:-5]]),
}


@pytest.mark.parametrize("name", FETCHES)
@pytest.mark.parametrize("max_records", [1, 2, 100])
async def test_records_equal_those_of_aiokafka(name: str, max_records: int) -> None:
    offset, batches = FETCHES[name]
    own, reference = Reading(), Reading()
    for reading in (own, reference):
        reading.put(FIRST, *batches, offset=offset)
    expected: list[Any] = []
    records: list[Any] = []
    while reference.fetcher._records:
        for part in (await reference.fetcher.fetched_records(PARTITIONS, 0, 1)).values():
            expected += part
    while own.fetcher._records:
        fetched = await fetch_records(own.fetcher, PARTITIONS, timeout=0, max_records=max_records)
        for part in fetched.values():
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
async def test_corrupt_batch_raises_and_is_fetched_again(good: int) -> None:
    """Records before it, and of other partitions, are neither lost nor skipped."""
    reading = Reading()
    reading.put(FIRST, batch(0, [0]))
    batches = [batch(0, [0]), corrupt(batch(1, [1]))][1 - good :]
    reading.put(SECOND, *batches, offset=1 - good)
    assert await reading.read() == {0: [0]}
    assert reading.position(SECOND) == 1 - good
    assert SECOND not in reading.fetcher._records
    reading.put(SECOND, *batches, offset=1 - good)
    with pytest.raises(CorruptRecordException, match="checksum"):
        await reading.read()
    assert reading.position(SECOND) == 1 - good
    assert SECOND not in reading.fetcher._records


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
        assert len(take_batches(result, 100)) == 1
        assert fetch() is None
    finally:
        gc.enable()
