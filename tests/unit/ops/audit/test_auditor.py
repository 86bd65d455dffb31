"""Audit of a partition: no difference for any correct state, and one for every error."""

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from mostread.core.counting.batch import AllowedLateness
from mostread.core.counting.partition import PartitionCounter
from mostread.core.records import LogRecord
from mostread.core.skipped import SkippedRange
from mostread.infra.kafka.reader import TopicReader
from mostread.ops.audit.auditor import AuditSettings, PartitionAudit, audit_partition
from mostread.ops.audit.diff import Difference, Scope
from mostread.ops.audit.reference import Key
from mostread.ops.audit.snapshot import AuditedCheckpoint, Snapshot, StoredCounter

START = 1_790_337_600_000
MINUTE = 60_000
SCOPE = Scope(now=START // 1000)


class LogInMemory(TopicReader):
    """The log of one partition, whose first records Kafka may have removed."""

    def __init__(self, records: Sequence[LogRecord]) -> None:
        self._records = records

    def offset_for_time(self, partition: int, time: int) -> int | None:
        return next((r.offset for r in self._records if r.timestamp >= time), None)

    def _read_range(self, partition: int, start: int, until: int) -> Iterator[Sequence[LogRecord]]:
        for record in self._records:
            if start <= record.offset < until:
                yield [record]


@st.composite
def logs(draw: st.DrawFn) -> list[LogRecord]:
    log, now = [], START
    for offset in range(draw(st.integers(1, 30))):
        now += draw(st.sampled_from([0, 1_000, 59_000, 299_000, 1_700_000, 2_200_000]))
        events = [
            {
                "type": draw(st.sampled_from(["view", "like"])),
                "article_id": draw(st.sampled_from(["a", "b"])),
                "id": draw(st.sampled_from("12345")),
                "timestamp": now
                - draw(
                    st.sampled_from([0, 0, 50_000, -60_000, -60_001, 3_600_000, 25 * 3_600_000])
                ),
            }
            for _ in range(draw(st.integers(1, 3)))
        ]
        log.append(LogRecord(offset, now, b"\n".join(json.dumps(e).encode() for e in events)))
    return log


def counted(log: Sequence[LogRecord], chance: random.Random) -> Snapshot:
    """Count `log` in flushes, and write only some rows of the last one."""
    partition = PartitionCounter(None, lateness=AllowedLateness(), counter_capacity=1000)
    rows: dict[Key, StoredCounter] = {}
    checkpoint = AuditedCheckpoint()
    remaining, complete_until = list(log), chance.randint(0, len(log))
    while remaining:
        cut = chance.randint(1, 5)
        partition.count(remaining[:cut])
        remaining = remaining[cut:]
        batch = partition.close()
        assert batch is not None
        position = batch.checkpoint
        done = position.next_offset <= complete_until
        for key, counter in batch.apply({}).counters:
            if done or chance.random() < 0.5:
                rows[(*key,)] = StoredCounter(counter[:3], counter.version)
        if not done:
            break
        outcomes = tuple(
            (name, number) for name, number in vars(position.outcomes).items() if number
        )
        checkpoint = AuditedCheckpoint(position.next_offset, 0, position.record_time, outcomes)
    return Snapshot(0, checkpoint, rows, [], 0, log[-1].offset + 1)


def audited(snapshot: Snapshot, log: Sequence[LogRecord], scope: Scope = SCOPE) -> PartitionAudit:
    read: list[int] = []
    audit = audit_partition(snapshot, LogInMemory(log), AuditSettings(), scope, read.append)
    assert sum(read) <= snapshot.end
    return audit


def differences(
    snapshot: Snapshot, log: Sequence[LogRecord], scope: Scope = SCOPE
) -> list[Difference]:
    return list(audited(snapshot, log, scope).differences)


@given(logs(), st.integers())
def test_audit_of_any_correct_state_has_no_differences(log: list[LogRecord], seed: int) -> None:
    assert differences(counted(log, random.Random(seed)), log) == []


@given(logs(), st.integers(), st.data())
def test_audit_finds_exactly_the_changed_number(
    log: list[LogRecord], seed: int, data: st.DataObject
) -> None:
    snapshot = counted(log, random.Random(seed))
    if not snapshot.counters:
        return
    key = data.draw(st.sampled_from(sorted(snapshot.counters)))
    (views, comments, likes), version = snapshot.counters[key]
    snapshot.counters[key] = StoredCounter((views + 1, comments, likes), version)
    (difference,) = differences(snapshot, log)
    named = (difference.site, difference.grain, difference.window, difference.article_id)
    assert named == key
    assert difference.log == (views, comments, likes)
    assert difference.clickhouse == (views + 1, comments, likes)


@given(logs(), st.integers(), st.data())
def test_audit_of_truncated_log_compares_only_complete_windows(
    log: list[LogRecord], seed: int, data: st.DataObject
) -> None:
    snapshot = counted(log, random.Random(seed))
    begin = data.draw(st.integers(1, len(log)))
    audit = audited(replace(snapshot, first_offset=begin), log[begin:])
    assert list(audit.differences) == []
    assert audit.scope.floor is not None
    if begin < snapshot.until:
        assert audit.scope.floor * 1000 == log[begin].timestamp + 36 * MINUTE
    else:
        assert audit.compared == 0


@given(logs(), st.integers(), st.data())
def test_audit_passes_a_skipped_range(log: list[LogRecord], seed: int, data: st.DataObject) -> None:
    first = data.draw(st.integers(0, len(log) - 1))
    after = data.draw(st.integers(first + 1, len(log)))
    rest = [*log[:first], *log[after:]]
    if not rest:
        return
    snapshot = replace(counted(rest, random.Random(seed)), end=len(log))
    passed = snapshot.checkpoint.next_offset > first
    lost = after - first if passed else 0
    snapshot = replace(
        snapshot,
        checkpoint=replace(snapshot.checkpoint, lost=lost),
        skipped=[SkippedRange(0, first, after, first, "corrupt", "operator")],
    )
    assert differences(snapshot, log) == []
    wrong = replace(snapshot, checkpoint=replace(snapshot.checkpoint, lost=lost + 1))
    assert [(d.field, d.log, d.clickhouse) for d in differences(wrong, log)] == [
        ("lost", lost, lost + 1)
    ]


@given(logs(), st.integers(), st.data())
def test_audit_compares_only_windows_after_a_range_that_was_counted_and_skipped_later(
    log: list[LogRecord], seed: int, data: st.DataObject
) -> None:
    snapshot = counted(log, random.Random(seed))
    first = data.draw(st.integers(0, len(log) - 1))
    after = data.draw(st.integers(first + 1, len(log)))
    counted_until = data.draw(st.integers(after, len(log)))
    skipped = [SkippedRange(0, first, after, counted_until, "corrupt", "operator")]
    audit = audited(replace(snapshot, skipped=skipped), [*log[:first], *log[after:]])
    assert list(audit.differences) == []
    assert (audit.begin, audit.scope.floor is None) == (after, False)


@given(logs(), st.integers(), st.integers(0, 300))
def test_audit_with_floor_finds_the_same_differences(
    log: list[LogRecord], seed: int, minutes: int
) -> None:
    snapshot = counted(log, random.Random(seed))
    scope = replace(SCOPE, floor=START // 1000 + minutes * 60)
    kept = {
        key: row for key, row in snapshot.counters.items() if key[2] >= START // 1000 + minutes * 60
    }
    audit = audited(replace(snapshot, counters=kept), log, scope)
    assert list(audit.differences) == []
    assert audit.compared == len(kept)
    for key, row in kept.items():
        wrong = replace(snapshot, counters={**kept, key: StoredCounter((99, 0, 0), row.version)})
        assert [d.clickhouse for d in differences(wrong, log, scope)] == [(99, 0, 0)]


def one_view(
    checkpoint: AuditedCheckpoint, counters: dict[Key, StoredCounter], end: int = 1
) -> Snapshot:
    return Snapshot(0, checkpoint, counters, [], 0, end)


VIEW = [LogRecord(0, START, b'{"type":"view","article_id":"a"}')]
HOUR: Key = ("default", "hour", START // 1000, "a")
WEEK: Key = ("default", "week", 1_789_948_800, "a")
RIGHT: dict[Key, StoredCounter] = {
    ("default", "total", 0, "a"): StoredCounter((1, 0, 0), 0),
    ("default", "minute", START // 1000, "a"): StoredCounter((1, 0, 0), 0),
    HOUR: StoredCounter((1, 0, 0), 0),
    WEEK: StoredCounter((1, 0, 0), 0),
}
DONE = AuditedCheckpoint(1, 0, START, (("received", 1), ("counted", 1)))


def test_row_past_its_ttl_is_not_a_difference() -> None:
    rest = {key: row for key, row in RIGHT.items() if key[1] != "minute"}
    assert len(differences(one_view(DONE, rest), VIEW)) == 1
    days = replace(SCOPE, now=START // 1000 + 35 * 86_400)
    assert differences(one_view(DONE, rest), VIEW, days) == []
    later = replace(SCOPE, now=START // 1000 + 400 * 86_400)
    del rest[HOUR], rest[WEEK]
    assert differences(one_view(DONE, rest), VIEW, later) == []
    assert len(differences(one_view(DONE, {}), VIEW, later)) == 1


def test_counter_of_a_removed_record_from_the_future_is_not_a_difference() -> None:
    view = b'{"type":"view","article_id":"a"}'
    log = [
        LogRecord(0, START + 800 * 86_400_000, view),
        LogRecord(1, START, view),
        LogRecord(2, START + 3 * 3_600_000, view),
    ]
    snapshot = counted(log, random.Random(0))
    ahead = [key for key in snapshot.counters if key[2] > START // 1000 + 86_400]
    assert [key[1] for key in sorted(ahead)] == ["hour", "minute", "week"]
    alone = {key: StoredCounter((1, 0, 0), 0) for key in ahead}  # written in a batch of its own
    snapshot = replace(snapshot, counters=snapshot.counters | alone, first_offset=1)
    assert differences(snapshot, log[1:]) == []


def test_counter_of_zero_may_be_absent() -> None:
    like = b'{"type":"like","article_id":"a"}\n{"type":"like","article_id":"a","delta":-1}'
    log = [LogRecord(0, START, like)]
    done = AuditedCheckpoint(1, 0, START, (("received", 2), ("counted", 2)))
    assert differences(one_view(done, {}), log) == []
    assert differences(one_view(done, {HOUR: StoredCounter((0, 0, 0), 0)}), log) == []


def test_outcomes_and_record_time_are_compared() -> None:
    assert differences(one_view(DONE, RIGHT), VIEW) == []
    wrong = AuditedCheckpoint(1, 0, START - 1, (("received", 1), ("late", 1)))
    values = {
        difference.field: (difference.log, difference.clickhouse)
        for difference in differences(one_view(wrong, RIGHT), VIEW)
    }
    assert values == {"counted": (1, 0), "late": (0, 1), "record_time": (START, START - 1)}


def test_log_that_ends_before_the_checkpoint_is_a_difference() -> None:
    far = replace(DONE, next_offset=7)
    assert [str(difference) for difference in differences(one_view(far, RIGHT), VIEW)] == [
        "partition 0, next_offset: log 1, ClickHouse 7"
    ]
    ahead = {**RIGHT, HOUR: StoredCounter((1, 0, 0), 1)}
    assert [difference.field for difference in differences(one_view(DONE, ahead), VIEW)] == [
        "version"
    ]
