"""Nothing of a fetch is left out or taken twice. What is read of aiokafka is private."""

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

from mostread.aggregator.stream.fetcher import fetched, take

RELIED_ON: dict[Callable[..., object], str] = {
    Fetcher.fetched_records: "be4348896b9b",
    Fetcher._proc_fetch_request: "59bf948fff47",
    Fetcher._fetch_requests_routine: "2a8ec5932644",
    Fetcher._create_fetch_waiter: "61d840568746",
    FetchResult.check_assignment: "b5340df67e3f",
    FetchResult.getall: "3e717e30de50",
    FetchResult._update_position: "83fb1473bf10",
    PartitionRecords._unpack_records: "b803e6d46480",
}
PLACES = [TopicPartition("events", number) for number in range(3)]
FIRST, SECOND, THIRD = PLACES
GZIP = 1


def test_aiokafka_is_the_version_that_was_read() -> None:
    assert version("aiokafka") == "0.14.0"


@pytest.mark.parametrize("method", RELIED_ON, ids=lambda method: method.__qualname__)
def test_what_is_replaced_or_relied_on_is_as_it_was_read(method: Callable[..., object]) -> None:
    source = inspect.getsource(method)
    assert hashlib.sha256(source.encode()).hexdigest()[:12] == RELIED_ON[method], (
        "read the new version, then bring mostread/aggregator/fetching.py in line with it"
    )


def batch(
    first: int, offsets: Sequence[int], *, compression: int = 0, control: bool = False
) -> bytes:
    """Return a batch that begins at `first` and whose records, at `offsets`, hold their offset."""
    builder = DefaultRecordBatchBuilder(2, compression, False, -1, -1, -1, 1 << 20)
    for offset in offsets:
        builder.append(offset - first, 1000 + offset, b"key", str(offset).encode(), [])
    found = bytearray(builder.build())
    struct.pack_into(">q", found, 0, first)
    if control:
        found[22] |= 1 << 5  # the low byte of the attributes
        found[17:21] = struct.pack(">I", calc_crc32c(bytes(found[21:])))
    return bytes(found)


def broken(good: bytes) -> bytes:
    return good[:-1] + bytes([good[-1] ^ 1])


class Reading:
    """A fetcher that asks no broker: what the broker would answer is put in."""

    def __init__(self) -> None:
        self.subscriptions = SubscriptionState()
        self.subscriptions.assign_from_user(PLACES)
        self.fetcher = Fetcher(AIOKafkaClient(), self.subscriptions, auto_offset_reset="earliest")
        self.fetcher._fetch_task.cancel()
        for place in PLACES:
            self.subscriptions.seek(place, 0)

    def put(self, place: TopicPartition, *batches: bytes, offset: int = 0) -> FetchResult:
        """Put in what was fetched of `place` from `offset` on."""
        self.subscriptions.seek(place, offset)
        part = PartitionRecords(
            place, MemoryRecords(b"".join(batches)), [], offset, None, None, True, 0
        )
        assignment = self.subscriptions.subscription.assignment
        result = FetchResult(place, assignment=assignment, partition_records=part, backoff=0)
        self.fetcher._records[place] = result
        return result

    async def read(
        self, *places: TopicPartition, enough: int = 100, within: float = 0
    ) -> dict[int, list[int]]:
        """Return the offsets read, by number of the partition."""
        found = await fetched(self.fetcher, places or PLACES, within=within, enough=enough)
        return {place.partition: [each.offset for each in part] for place, part in found.items()}

    def position(self, place: TopicPartition) -> int:
        return int(self.subscriptions.subscription.assignment.state_value(place).position)


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
@pytest.mark.parametrize("enough", [1, 2, 100])
async def test_it_reads_what_aiokafka_reads(name: str, enough: int) -> None:
    offset, batches = FETCHES[name]
    ours, theirs = Reading(), Reading()
    for reading in (ours, theirs):
        reading.put(FIRST, *batches, offset=offset)
    expected: list[Any] = []
    found: list[Any] = []
    while theirs.fetcher._records:
        for records in (await theirs.fetcher.fetched_records(PLACES, 0, 1)).values():
            expected += records
    while ours.fetcher._records:
        for part in (await fetched(ours.fetcher, PLACES, within=0, enough=enough)).values():
            found += part
    assert [(r.offset, r.timestamp, r.key, r.value) for r in found] == [
        (r.offset, r.timestamp, r.key, r.value) for r in expected
    ]
    assert ours.position(FIRST) == theirs.position(FIRST)


async def test_enough_is_enough_and_the_rest_comes_next() -> None:
    reading = Reading()
    reading.put(FIRST, batch(0, [0, 1, 2]), batch(3, [3, 4]))
    reading.put(SECOND, batch(0, [0]))
    assert await reading.read(enough=2) == {0: [0, 1, 2]}
    assert reading.position(FIRST) == 3
    assert await reading.read(enough=3) == {0: [3, 4], 1: [0]}
    assert await reading.read() == {}


async def test_a_partition_that_is_not_asked_for_waits() -> None:
    reading = Reading()
    reading.put(FIRST, batch(0, [0]))
    assert await reading.read(SECOND) == {}
    assert await reading.read(FIRST) == {0: [0]}


async def test_what_was_fetched_before_a_seek_is_dropped() -> None:
    reading = Reading()
    reading.put(FIRST, batch(0, [0, 1]))
    reading.subscriptions.seek(FIRST, 1)
    assert await reading.read() == {}
    assert reading.position(FIRST) == 1
    assert not reading.fetcher._records


async def test_what_belongs_to_an_assignment_before_is_dropped() -> None:
    reading = Reading()
    reading.put(FIRST, batch(0, [0]))
    reading.subscriptions.unsubscribe()
    reading.subscriptions.assign_from_user([SECOND])
    assert await reading.read(FIRST) == {}
    assert not reading.fetcher._records


@pytest.mark.parametrize("good", [0, 1])
async def test_a_corrupt_batch_is_said_and_fetched_again(good: int) -> None:
    """Whatever was taken of it before, and of others, is neither lost nor passed over."""
    reading = Reading()
    reading.put(FIRST, batch(0, [0]))
    batches = [batch(0, [0]), broken(batch(1, [1]))][1 - good :]
    reading.put(SECOND, *batches, offset=1 - good)
    assert await reading.read() == {0: [0]}
    assert reading.position(SECOND) == 1 - good
    assert SECOND not in reading.fetcher._records
    reading.put(SECOND, *batches, offset=1 - good)
    with pytest.raises(CorruptRecordException, match="checksum"):
        await reading.read()
    assert reading.position(SECOND) == 1 - good
    assert SECOND not in reading.fetcher._records


async def test_an_error_waits_for_what_was_fetched_before_it() -> None:
    reading = Reading()
    reading.put(FIRST, batch(0, [0]))
    reading.fetcher._set_error(SECOND, OffsetOutOfRangeError({SECOND: 7}))
    reading.put(THIRD, batch(0, [0]))
    assert await reading.read() == {0: [0]}
    with pytest.raises(OffsetOutOfRangeError):
        await reading.read()
    assert await reading.read() == {2: [0]}


async def test_it_waits_for_what_comes_and_tells_what_the_group_tells() -> None:
    reading = Reading()
    waiting = asyncio.create_task(reading.read(within=60))
    await asyncio.sleep(0)
    assert reading.fetcher._fetch_waiters
    reading.put(FIRST, batch(0, [0]))
    for waiter in reading.fetcher._fetch_waiters:
        reading.fetcher._notify(waiter)
    assert await waiting == {0: [0]}
    waiting = asyncio.create_task(reading.read(within=60))
    await asyncio.sleep(0)
    assert reading.fetcher._fetch_waiters
    reading.subscriptions.abort_waiters(OffsetOutOfRangeError())
    with pytest.raises(OffsetOutOfRangeError):
        await waiting


async def test_what_was_read_is_freed_without_a_search_for_garbage() -> None:
    """The aggregator searches seldom, and a fetch is megabytes."""
    reading = Reading()
    result = reading.put(FIRST, batch(0, [0]))
    fetch = weakref.ref(result._partition_records)
    gc.disable()
    try:
        assert len(take(result, 100)) == 1
        assert fetch() is None
    finally:
        gc.enable()
