"""Counters equal an independent recount of the log, whatever happens to a worker."""

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mostread.core.control import Forget, encode_forget
from mostread.core.counting import partition as counting
from mostread.core.counting.batch import AllowedLateness, Outcomes
from mostread.core.counting.counters import Counter, CounterKey
from mostread.core.counting.exclusions import NO_EXCLUSIONS, AllExcept, Exclusions
from mostread.core.counting.partition import Checkpoint, PartitionCounter
from mostread.core.counting.revision import Revision
from mostread.core.exclusions import Exclusion
from mostread.core.records import LogRecord, decode
from mostread.core.retention import DEDUP_REREAD_MS
from mostread.errors import LogInconsistent
from mostread.ops.audit.reference import recount

Numbers = dict[tuple[str, str, int, str], tuple[int, int, int]]
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
    b'{"type":"forget","site":"default","article_id":null}',
    b'{"type":"forget"}',
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
    if draw(st.booleans()):
        event["visitor"] = draw(st.sampled_from(["v", "w"]))
    return json.dumps(event, ensure_ascii=draw(st.booleans())).encode()


FORGETS = [
    encode_forget(site, article) for site in ("default", "other") for article in ("", "a", "статья")
]


@st.composite
def logs(draw: st.DrawFn, *, wild: bool = False, forgets: bool = False) -> list[LogRecord]:
    """Return a log; with `forgets`, some records are forgets or contain one among events."""
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
        if forgets and draw(st.integers(0, 3)) == 0:
            batch = [draw(st.sampled_from(FORGETS)), *draw(st.sampled_from([batch, [], [], []]))]
        log.append(LogRecord(offset, time, b"\n".join(batch)))
    return log


@st.composite
def exclusions(draw: st.DrawFn) -> tuple[Exclusion, ...]:
    """Generate exclusions that overlap the times of `logs`, its late events and each other."""
    minute = START // 60_000 * 60_000
    drawn = []
    for number in range(draw(st.integers(0, 3))):
        start = minute + draw(st.sampled_from([-DAY - 60_000, -3_600_000, -60_000, 0, 1_680_000]))
        length = draw(st.sampled_from([60_000, 1_800_000, 2 * DAY]))
        drawn.append(
            Exclusion(
                str(number),
                draw(st.sampled_from(["default", "other"])),
                draw(st.sampled_from(["", "a", "b"])),
                start,
                start + length,
                draw(st.sampled_from(["", "", "v"])),
            )
        )
    return tuple(drawn)


@dataclass
class Store:
    """Stand-in for ClickHouse: of all rows of a key, the one with the highest version wins."""

    rows: dict[CounterKey, dict[int, Counter]] = field(default_factory=dict)
    checkpoint: Checkpoint | None = None

    @property
    def counters(self) -> dict[CounterKey, Counter]:
        return {key: rows[max(rows)] for key, rows in self.rows.items()}

    def write(self, rows: list[tuple[CounterKey, Counter]]) -> None:
        for key, counter in rows:
            self.rows.setdefault(key, {})[counter.version] = counter

    def zeros(self, forget: Forget) -> list[tuple[CounterKey, Counter]]:
        """Return the zeros that a forget leaves of the stored keys that it names."""
        return [
            (key, Counter(0, 0, 0, forget.offset))
            for key, counter in self.counters.items()
            if counter.version < forget.offset and forget.names(key.site, key.article_id)
        ]

    def delete_older(self, forget: Forget) -> None:
        for key, rows in self.rows.items():
            if forget.names(key.site, key.article_id):
                for version in [version for version in rows if version < forget.offset]:
                    del rows[version]
        self.rows = {key: rows for key, rows in self.rows.items() if rows}

    def numbers(self, log: Sequence[LogRecord] = ()) -> Numbers:
        """Return the numbers of each key without the zeros that the forgets of `log` left."""
        forgets = {forget.offset: forget for record in log for forget in decode([record]).forgets}
        return {
            (*key,): counter[:3]
            for key, counter in self.counters.items()
            if any(counter[:3])
            or counter.version not in forgets
            or not forgets[counter.version].names(key.site, key.article_id)
        }


class CrashError(Exception):
    pass


def work(
    store: Store,
    log: list[LogRecord],
    chance: random.Random,
    *,
    crashes: bool,
    capacity: int,
    excluded: Exclusions = NO_EXCLUSIONS,
) -> None:
    """Count `log` from the stored checkpoint on, as a worker does, until its end or a crash."""
    start = store.checkpoint
    partition = PartitionCounter(
        start, lateness=AllowedLateness(), counter_capacity=capacity, exclusions=excluded
    )
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
        for forget in batch.forgets:
            zeros = store.zeros(forget)
            if crashes and chance.random() < 0.1:
                store.write([row for row in zeros if chance.random() < 0.5])
                raise CrashError
            store.write(zeros)
            if crashes and chance.random() < 0.1:
                raise CrashError
            store.delete_older(forget)
        if crashes and chance.random() < 0.2:
            raise CrashError
        store.checkpoint = batch.checkpoint


@given(
    log=st.booleans().flatmap(lambda wild: logs(wild=wild, forgets=True)),
    seed=st.integers(),
    capacity=st.sampled_from([2, 6, 1000]),
    piece_bytes=st.sampled_from([1, 100, 300, counting.PIECE_BYTES]),
    excluded=exclusions(),
)
def test_counters_equal_a_recount_through_crashes_and_partial_writes(
    log: list[LogRecord],
    seed: int,
    capacity: int,
    piece_bytes: int,
    excluded: tuple[Exclusion, ...],
) -> None:
    chance = random.Random(seed)
    store = Store()
    rules = Exclusions(excluded)
    with patch.object(counting, "PIECE_BYTES", piece_bytes):
        for _ in range(8):
            try:
                work(store, log, chance, crashes=True, capacity=capacity, excluded=rules)
            except CrashError:
                continue
        work(store, log, chance, crashes=False, capacity=capacity, excluded=rules)

    truth = recount(log, exclusions=excluded)
    assert store.numbers(log) == truth.counters
    assert store.checkpoint is not None
    assert store.checkpoint.next_offset > log[-1].offset
    assert store.checkpoint.record_time == truth.record_time
    assert {k: n for k, n in vars(store.checkpoint.outcomes).items() if n} == truth.outcomes


@given(log=logs(forgets=True), before=exclusions(), after=exclusions(), seed=st.integers())
def test_revised_counters_equal_a_recount_with_other_exclusions(
    log: list[LogRecord],
    before: tuple[Exclusion, ...],
    after: tuple[Exclusion, ...],
    seed: int,
) -> None:
    chance = random.Random(seed)
    versions = [record.offset for record in log]
    events = [record for record in log if record.value not in FORGETS]
    limits = {key: chance.choice([-1, *versions]) for key in recount(events).counters}
    old = recount(log, limit=-1, limits=limits, exclusions=before).counters
    revised = {key: [*old.get(key, (0, 0, 0))] for key in limits}
    sets = Exclusions(before), Exclusions(after)
    for sign, difference in ((-1, AllExcept(*sets)), (1, AllExcept(*reversed(sets)))):
        revision = Revision()
        partition = PartitionCounter(
            None, lateness=AllowedLateness(), counter_capacity=2, exclusions=difference
        )
        for record in log:
            partition.count([record])
            if chance.random() < 0.5 or record is log[-1]:
                batch = partition.close()
                assert batch is not None
                revision.add(batch, {key: limits[(*key,)] for key in batch.added})
        for key, numbers in revision.changes.items():
            row = revised[(*key,)]
            row[:] = [number + sign * n for number, n in zip(row, numbers, strict=True)]
    new = recount(log, limit=-1, limits=limits, exclusions=after).counters
    assert revised == {key: [*new.get(key, (0, 0, 0))] for key in limits}


@given(log=logs(wild=True))
def test_record_time_outside_1970_to_2099_counts_at_nearest_time(log: list[LogRecord]) -> None:
    bounded = [r._replace(timestamp=min(max(r.timestamp, 0), 4_102_444_799_999)) for r in log]
    assert recount(log) == recount(bounded)
    store = Store()
    work(store, log, random.Random(0), crashes=False, capacity=1000)
    assert all(0 <= key.window <= 4_102_444_799 for key in store.counters)
    assert store.numbers() == recount(bounded).counters


@given(log=logs(forgets=True), seed=st.integers(), capacity=st.sampled_from([2, 1000]))
def test_rows_of_stale_worker_change_nothing(
    log: list[LogRecord], seed: int, capacity: int
) -> None:
    chance = random.Random(seed)
    stale = Store()
    # The stale worker counted part of the log, and its rows arrive at any time.
    written: list[tuple[CounterKey, Counter]] = []
    partition = PartitionCounter(None, lateness=AllowedLateness(), counter_capacity=capacity)
    for record in log[: chance.randint(1, len(log))]:
        partition.count([record])
        batch = partition.close()
        assert batch is not None
        looked_up = {k: stale.counters[k] for k in batch.missing if k in stale.counters}
        rows = batch.apply(looked_up).counters
        rows += [row for forget in batch.forgets for row in stale.zeros(forget)]
        stale.write(rows)
        written += rows

    class InterferedStore(Store):
        def write(self, rows: list[tuple[CounterKey, Counter]]) -> None:
            late = [row for row in written if chance.random() < 0.3]
            super().write(late)
            super().write(rows)

    interfered = InterferedStore()
    work(interfered, log, chance, crashes=False, capacity=capacity)
    Store.write(interfered, written)
    assert interfered.numbers(log) == recount(log).counters


@given(log=logs(forgets=True), excluded=exclusions())
def test_outcomes_sum_to_received_events(
    log: list[LogRecord], excluded: tuple[Exclusion, ...]
) -> None:
    store = Store()
    rules = Exclusions(excluded)
    work(store, log, random.Random(0), crashes=False, capacity=1000, excluded=rules)
    assert store.checkpoint is not None
    o = store.checkpoint.outcomes
    assert o.received == o.counted + o.duplicate + o.late + o.dead_lettered + o.excluded
    assert o.received == sum(
        (record.value or b"").count(b"\n") + 1 for record in log if record.value not in FORGETS
    )


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


def apply_next(partition: PartitionCounter, records: list[LogRecord]) -> dict[CounterKey, Counter]:
    """Count `records` in one batch; return the rows it writes without any stored counter."""
    partition.count(records)
    batch = partition.close()
    assert batch is not None
    return dict(batch.apply({}).counters)


def totals(rows: dict[CounterKey, Counter]) -> dict[str, Counter]:
    return {key.article_id: row for key, row in rows.items() if key.grain == "total"}


def record(offset: int, article_id: str = "", *, forget: bool = False) -> LogRecord:
    event = b'{"type":"view","article_id":"%b"}' % article_id.encode()
    value = encode_forget("default", article_id) if forget else event
    return LogRecord(offset, START, value)


def test_forget_within_a_batch_leaves_events_behind_it() -> None:
    partition = PartitionCounter(None, lateness=AllowedLateness(), counter_capacity=100)
    log = [record(0, "a"), record(1, "b"), record(2, "a", forget=True), record(3, "a")]
    rows = apply_next(partition, log)
    assert totals(rows) == {"a": Counter(1, 0, 0, 3), "b": Counter(1, 0, 0, 3)}


def test_forgotten_article_without_later_event_is_written_as_zeros_at_the_forget() -> None:
    partition = PartitionCounter(None, lateness=AllowedLateness(), counter_capacity=100)
    log = [record(0, "a"), record(1, "b"), record(2, "a", forget=True), record(3, "b")]
    rows = apply_next(partition, log)
    assert totals(rows) == {"a": Counter(0, 0, 0, 2), "b": Counter(2, 0, 0, 3)}
    assert {row for key, row in rows.items() if key.article_id == "a"} == {Counter(0, 0, 0, 2)}


def test_forget_of_a_site_resets_counters_that_are_cached() -> None:
    partition = PartitionCounter(None, lateness=AllowedLateness(), counter_capacity=100)
    assert totals(apply_next(partition, [record(0, "a"), record(1, "b")]))["a"].views == 1
    assert apply_next(partition, [record(2, forget=True)]) == {}
    assert totals(apply_next(partition, [record(3, "a")])) == {"a": Counter(1, 0, 0, 3)}


def test_control_record_is_not_an_event_and_moves_the_checkpoint() -> None:
    partition = PartitionCounter(None, lateness=AllowedLateness(), counter_capacity=100)
    partition.count([record(5, "a", forget=True)])
    batch = partition.close()
    assert batch is not None
    assert [(forget.offset, forget.article_id) for forget in batch.forgets] == [(5, "a")]
    assert batch.checkpoint == Checkpoint(6, START, Outcomes())


def test_copy_of_a_forgotten_event_is_still_a_duplicate() -> None:
    partition = PartitionCounter(None, lateness=AllowedLateness(), counter_capacity=100)
    event = LogRecord(0, START, b'{"type":"view","article_id":"a","id":"1"}')
    log = [event, record(1, "a", forget=True), event._replace(offset=2)]
    assert totals(apply_next(partition, log)) == {"a": Counter(0, 0, 0, 1)}
    assert partition.checkpoint().outcomes == Outcomes(received=2, counted=1, duplicate=1)
