"""Counters equal an independent recount of the log, whatever happens to a worker."""

import json
import random
from dataclasses import dataclass, field
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mostread.core.counting import partition as counting
from mostread.core.counting.batch import AllowedLateness, Outcomes
from mostread.core.counting.counters import Counter, CounterKey
from mostread.core.counting.partition import Checkpoint, PartitionCounter
from mostread.core.records import LogRecord
from mostread.core.retention import DEDUP_REREAD_MS
from mostread.errors import LogInconsistent
from mostread.ops.audit.reference import recount

START = 1_790_000_000_000
DAY = 24 * 3600 * 1000
INVALID_LINES = [
    b"{",
    b"[]",
    b"\xff",
    b'{"type":"view"}',
    b'{"type":"share","article_id":"a"}',
    b'{"type":"view","article_id":"a","delta":-1}',
    b'{"type":"view","article_id":"\\u0007"}',
]


@st.composite
def lines(draw: st.DrawFn, now: int) -> bytes:
    if draw(st.integers(0, 19)) == 0:
        return draw(st.sampled_from(INVALID_LINES))
    event: dict[str, object] = {
        "type": draw(st.sampled_from(["view", "view", "comment", "like"])),
        "article_id": draw(st.sampled_from(["a", "b", "c", "статья"])),
    }
    if draw(st.booleans()):
        event["id"] = draw(st.sampled_from(["1", "2", "3", "~1"]))
    if draw(st.booleans()):
        shift = draw(st.sampled_from([0, -50_000, -3_600_000, -DAY, -DAY - 1, 60_000, 60_001, DAY]))
        event["timestamp"] = now + shift
    if event["type"] != "view" and draw(st.integers(0, 3)) == 0:
        event["delta"] = -1
    if draw(st.integers(0, 5)) == 0:
        event["site"] = "other"
    return json.dumps(event, ensure_ascii=draw(st.booleans())).encode()


@st.composite
def logs(draw: st.DrawFn, *, wild: bool = False) -> list[LogRecord]:
    log = []
    offset, now = draw(st.integers(0, 5)), START
    for _ in range(draw(st.integers(1, 25))):
        offset += draw(st.sampled_from([1, 1, 1, 1, 3]))
        # Time stands still, advances, leaps over the dedup window, and goes back a little.
        now += draw(st.sampled_from([0, 0, 1_000, 299_000, 1_700_000, 2_200_000, -20_000]))
        # A producer may set any time where the topic allows it.
        time = draw(st.integers(-1, 2**63 - 1)) if wild and draw(st.booleans()) else now
        time = draw(st.sampled_from([time] * 4 + [-1, 0, START + DAY] * wild))
        batch = draw(st.lists(lines(now), min_size=1, max_size=draw(st.sampled_from([1, 1, 6]))))
        log.append(LogRecord(offset, time, b"\n".join(batch)))
    return log


@dataclass
class Store:
    """Stand-in for ClickHouse: the row with the highest version of a key wins."""

    counters: dict[CounterKey, Counter] = field(default_factory=dict)
    checkpoint: Checkpoint | None = None

    def write(self, rows: list[tuple[CounterKey, Counter]]) -> None:
        for key, counter in rows:
            if counter.version >= self.counters.get(key, counter).version:
                self.counters[key] = counter

    def numbers(self) -> dict[tuple[str, str, int, str], tuple[int, int, int]]:
        return {(*key,): counter[:3] for key, counter in self.counters.items()}


class CrashError(Exception):
    pass


def work(
    store: Store, log: list[LogRecord], chance: random.Random, *, crashes: bool, capacity: int
) -> None:
    """Count `log` from the stored checkpoint on, as a worker does, until its end or a crash."""
    start = store.checkpoint
    partition = PartitionCounter(start, lateness=AllowedLateness(), counter_capacity=capacity)
    todo = log
    if start:
        past = [record for record in log if record.offset < start.next_offset]
        since = start.record_time - DEDUP_REREAD_MS
        reread = [r for r in past if since <= 0 or r.timestamp >= since]
        first = reread[0].offset if reread else 0
        partition.remember([record for record in past if record.offset >= first])
        todo = [record for record in log if record.offset >= start.next_offset]
    while todo:
        for _ in range(chance.randint(1, 4)):
            cut = chance.randint(1, 5)
            partition.count(todo[:cut])
            todo = todo[cut:]
            if chance.random() < 0.3:  # over some of the offsets before the next record
                end = todo[0].offset if todo else partition.next_offset + 2
                partition.advance(chance.randint(partition.next_offset, end))
        batch = partition.close()
        if batch is None:
            store.checkpoint = partition.checkpoint()
            continue
        looked_up = {key: store.counters[key] for key in batch.missing if key in store.counters}
        rows = batch.apply(looked_up).counters
        if crashes and chance.random() < 0.2:
            raise CrashError
        if crashes and chance.random() < 0.2:
            store.write([row for row in rows if chance.random() < 0.5])
            raise CrashError
        store.write(rows)
        if crashes and chance.random() < 0.2:
            raise CrashError
        store.checkpoint = batch.checkpoint


@given(
    log=st.booleans().flatmap(lambda wild: logs(wild=wild)),
    seed=st.integers(),
    capacity=st.sampled_from([2, 6, 1000]),
    piece_bytes=st.sampled_from([1, 100, 300, counting.PIECE_BYTES]),
)
def test_counters_equal_a_recount_through_crashes_and_partial_writes(
    log: list[LogRecord], seed: int, capacity: int, piece_bytes: int
) -> None:
    chance = random.Random(seed)
    store = Store()
    with patch.object(counting, "PIECE_BYTES", piece_bytes):
        for _ in range(8):
            try:
                work(store, log, chance, crashes=True, capacity=capacity)
            except CrashError:
                continue
        work(store, log, chance, crashes=False, capacity=capacity)

    truth = recount(log)
    assert store.numbers() == truth.counters
    assert store.checkpoint is not None
    assert store.checkpoint.next_offset > log[-1].offset
    assert store.checkpoint.record_time == truth.record_time
    assert {k: n for k, n in vars(store.checkpoint.outcomes).items() if n} == truth.outcomes


@given(log=logs(wild=True))
def test_record_time_outside_1970_to_2099_counts_at_nearest_time(log: list[LogRecord]) -> None:
    bounded = [r._replace(timestamp=min(max(r.timestamp, 0), 4_102_444_799_999)) for r in log]
    assert recount(log) == recount(bounded)
    store = Store()
    work(store, log, random.Random(0), crashes=False, capacity=1000)
    assert all(0 <= key.window <= 4_102_444_799 for key in store.counters)
    assert store.numbers() == recount(bounded).counters


@given(log=logs(), seed=st.integers(), capacity=st.sampled_from([2, 1000]))
def test_rows_of_stale_worker_change_nothing(
    log: list[LogRecord], seed: int, capacity: int
) -> None:
    chance = random.Random(seed)
    store, stale = Store(), Store()
    # The stale worker counted part of the log, and its rows arrive at any time.
    written: list[tuple[CounterKey, Counter]] = []
    partition = PartitionCounter(None, lateness=AllowedLateness(), counter_capacity=capacity)
    for record in log[: chance.randint(1, len(log))]:
        partition.count([record])
        batch = partition.close()
        assert batch is not None
        looked_up = {k: stale.counters[k] for k in batch.missing if k in stale.counters}
        rows = batch.apply(looked_up).counters
        stale.write(rows)
        written += rows

    class InterferedStore(Store):
        def write(self, rows: list[tuple[CounterKey, Counter]]) -> None:
            late = [row for row in written if chance.random() < 0.3]
            super().write(late)
            super().write(rows)

    interfered = InterferedStore()
    work(interfered, log, chance, crashes=False, capacity=capacity)
    store.write(written)
    assert interfered.numbers() == recount(log).counters


@given(log=logs())
def test_outcomes_sum_to_received_events(log: list[LogRecord]) -> None:
    store = Store()
    work(store, log, random.Random(0), crashes=False, capacity=1000)
    assert store.checkpoint is not None
    o = store.checkpoint.outcomes
    assert o.received == o.counted + o.duplicate + o.late + o.dead_lettered
    assert o.received == sum((record.value or b"").count(b"\n") + 1 for record in log)


def test_count_rejects_repeated_offset() -> None:
    partition = PartitionCounter(None, lateness=AllowedLateness(), counter_capacity=10)
    record = LogRecord(7, START, b'{"type":"view","article_id":"a"}')
    partition.count([record])
    with pytest.raises(LogInconsistent, match="offset 7 came after 7 was counted"):
        partition.count([record])


def test_dead_line_keeps_its_location_and_costs_only_itself() -> None:
    partition = PartitionCounter(None, lateness=AllowedLateness(), counter_capacity=10)
    good = b'{"type":"view","article_id":"a"}'
    partition.count([LogRecord(3, START, good + b"\n{\n" + good), LogRecord(4, START, None)])
    batch = partition.close()
    assert batch is not None
    assert [(d.offset, d.line, d.raw) for d in batch.dead] == [(3, 1, b"{"), (4, 0, b"")]
    assert batch.outcomes == Outcomes(received=4, counted=2, dead_lettered=2)


def test_close_returns_none_without_records() -> None:
    partition = PartitionCounter(None, lateness=AllowedLateness(), counter_capacity=10)
    assert partition.close() is None
    assert partition.checkpoint() == Checkpoint(0, -1, Outcomes())


def test_count_lists_offset_gaps_once() -> None:
    partition = PartitionCounter(None, lateness=AllowedLateness(), counter_capacity=10)
    view = b'{"type":"view","article_id":"a"}'
    partition.count([LogRecord(3, START, view), LogRecord(5, START, view)])
    partition.count([LogRecord(9, START, view)])
    assert partition.take_gaps() == [range(3), range(6, 9)]
    assert partition.take_gaps() == []


def test_advance_moves_checkpoint_and_counts_lost_offsets() -> None:
    partition = PartitionCounter(None, lateness=AllowedLateness(), counter_capacity=10)
    partition.advance(4, lost=3)
    assert partition.close() is None
    assert partition.checkpoint() == Checkpoint(4, -1, Outcomes(), lost=3)
    partition.count([LogRecord(4, START, b'{"type":"view","article_id":"a"}')])
    partition.advance(7, lost=1)
    batch = partition.close()
    assert batch is not None
    assert batch.checkpoint == Checkpoint(7, START, Outcomes(received=1, counted=1), lost=4)
    again = PartitionCounter(batch.checkpoint, lateness=AllowedLateness(), counter_capacity=10)
    assert again.checkpoint() == batch.checkpoint


def test_advance_rejects_passed_offset() -> None:
    partition = PartitionCounter(None, lateness=AllowedLateness(), counter_capacity=10)
    partition.advance(4)
    with pytest.raises(LogInconsistent, match="from offset 4 back to 3"):
        partition.advance(3)


def test_smaller_max_clock_skew_finds_counters_of_larger_one() -> None:
    ahead = json.dumps(
        {"type": "view", "article_id": "a", "timestamp": START + 50 * 60_000}
    ).encode()
    store = Store()
    for future_ms, offset, time in [(3_600_000, 0, START), (60_000, 1, START + 50 * 60_000)]:
        partition = PartitionCounter(
            store.checkpoint, lateness=AllowedLateness(future_ms=future_ms), counter_capacity=10
        )
        partition.count([LogRecord(offset, time, ahead)])
        batch = partition.close()
        assert batch is not None
        looked_up = {k: store.counters[k] for k in batch.missing if k in store.counters}
        store.write(batch.apply(looked_up).counters)
        store.checkpoint = batch.checkpoint
    assert set(store.numbers().values()) == {(2, 0, 0)}


def test_memory_of_open_batch_and_ids_are_reported() -> None:
    counter = PartitionCounter(None, lateness=AllowedLateness(), counter_capacity=1000)
    empty = counter.open_size
    counter.load_sketches([])
    counter.count([LogRecord(0, START, b'{"type":"view","article_id":"a","id":"1"}')])
    assert counter.open_size > empty
    assert counter.dedup_ids == 1
    assert counter.next_offset == 1
