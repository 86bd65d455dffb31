"""The audit of a partition is silent on whatever a worker may leave behind, and on nothing else."""

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from mostread.core.counting.batch import Lateness
from mostread.core.counting.partition import PartitionCount
from mostread.core.records import LogRecord
from mostread.infra.kafka.reader import TopicReader
from mostread.ops.audit.auditor import Audited, AuditSettings, audit_partition
from mostread.ops.audit.diff import Difference, Scope
from mostread.ops.audit.reference import Key
from mostread.ops.audit.snapshot import Counted, Progress, Snapshot

START = 1_790_337_600_000
MINUTE = 60_000
SCOPE = Scope(now=START // 1000)


class LogInMemory(TopicReader):
    """The records of one partition, of which Kafka may have removed the first."""

    def __init__(self, records: Sequence[LogRecord]) -> None:
        self._records = records

    def offset_for_time(self, partition: int, time: int) -> int | None:
        return next((r.offset for r in self._records if r.timestamp >= time), None)

    def read(self, partition: int, start: int, until: int) -> Iterator[Sequence[LogRecord]]:
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
                "id": draw(st.sampled_from("1234567")),
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
    """Count `log` in flushes, of the last of which only some rows are written."""
    partition = PartitionCount(None, lateness=Lateness(), capacity=1000)
    rows: dict[Key, Counted] = {}
    progress = Progress()
    todo, whole = list(log), chance.randint(0, len(log))
    while todo:
        cut = chance.randint(1, 5)
        partition.count(todo[:cut])
        todo = todo[cut:]
        settlement = partition.close()
        assert settlement is not None
        position = settlement.position
        done = position.next_offset <= whole
        for key, counter in partition.apply(settlement, {}):
            if done or chance.random() < 0.5:
                rows[(*key,)] = Counted(counter[:3], counter.version)
        if not done:
            break
        outcomes = tuple(
            (name, number) for name, number in vars(position.outcomes).items() if number
        )
        progress = Progress(position.next_offset, position.record_time, outcomes)
    return Snapshot(0, progress, rows, 0, len(log))


def audited(said: Snapshot, log: Sequence[LogRecord], scope: Scope = SCOPE) -> Audited:
    read: list[int] = []
    found = audit_partition(said, LogInMemory(log), AuditSettings(), scope, read.append)
    assert sum(read) <= said.end
    return found


def differences(said: Snapshot, log: Sequence[LogRecord], scope: Scope = SCOPE) -> list[Difference]:
    return list(audited(said, log, scope).differences)


@given(logs(), st.integers())
def test_whatever_a_worker_leaves_behind_is_right(log: list[LogRecord], seed: int) -> None:
    assert differences(counted(log, random.Random(seed)), log) == []


@given(logs(), st.integers(), st.data())
def test_one_number_changed_is_one_difference(
    log: list[LogRecord], seed: int, data: st.DataObject
) -> None:
    said = counted(log, random.Random(seed))
    if not said.counters:
        return
    key = data.draw(st.sampled_from(sorted(said.counters)))
    (views, comments, likes), version = said.counters[key]
    said.counters[key] = Counted((views + 1, comments, likes), version)
    (found,) = differences(said, log)
    assert (found.site, found.grain, found.window, found.article_id) == key
    assert found.log == (views, comments, likes)
    assert found.clickhouse == (views + 1, comments, likes)


@given(logs(), st.integers(), st.data())
def test_a_log_without_its_beginning_says_only_what_it_can(
    log: list[LogRecord], seed: int, data: st.DataObject
) -> None:
    said = counted(log, random.Random(seed))
    begin = data.draw(st.integers(1, len(log)))
    found = audited(replace(said, begin=begin), log[begin:])
    assert list(found.differences) == []
    assert found.scope.floor is not None
    if begin < said.until:
        assert found.scope.floor * 1000 == log[begin].timestamp + 36 * MINUTE
    else:
        assert found.compared == 0


@given(logs(), st.integers(), st.integers(0, 300))
def test_since_reads_less_and_finds_the_same(log: list[LogRecord], seed: int, minutes: int) -> None:
    said = counted(log, random.Random(seed))
    scope = replace(SCOPE, floor=START // 1000 + minutes * 60)
    kept = {
        key: row for key, row in said.counters.items() if key[2] >= START // 1000 + minutes * 60
    }
    whole = audited(replace(said, counters=kept), log, scope)
    assert list(whole.differences) == []
    assert whole.compared == len(kept)
    for key, row in kept.items():
        wrong = replace(said, counters={**kept, key: Counted((99, 0, 0), row.version)})
        assert [each.clickhouse for each in differences(wrong, log, scope)] == [(99, 0, 0)]


def one_view(progress: Progress, counters: dict[Key, Counted], end: int = 1) -> Snapshot:
    return Snapshot(0, progress, counters, 0, end)


VIEW = [LogRecord(0, START, b'{"type":"view","article_id":"a"}')]
HOUR: Key = ("default", "hour", START // 1000, "a")
RIGHT: dict[Key, Counted] = {
    ("default", "total", 0, "a"): Counted((1, 0, 0), 0),
    ("default", "minute", START // 1000, "a"): Counted((1, 0, 0), 0),
    HOUR: Counted((1, 0, 0), 0),
}
DONE = Progress(1, START, (("received", 1), ("counted", 1)))


def test_a_row_that_its_time_has_removed_is_no_difference() -> None:
    rest = {key: row for key, row in RIGHT.items() if key[1] != "minute"}
    assert len(differences(one_view(DONE, rest), VIEW)) == 1
    days = replace(SCOPE, now=START // 1000 + 35 * 86_400)
    assert differences(one_view(DONE, rest), VIEW, days) == []
    later = replace(SCOPE, now=START // 1000 + 400 * 86_400)
    del rest[HOUR]
    assert differences(one_view(DONE, rest), VIEW, later) == []
    assert len(differences(one_view(DONE, {}), VIEW, later)) == 1


def test_a_counter_of_nothing_may_be_there_or_not() -> None:
    like = b'{"type":"like","article_id":"a"}\n{"type":"like","article_id":"a","delta":-1}'
    log = [LogRecord(0, START, like)]
    done = Progress(1, START, (("received", 2), ("counted", 2)))
    assert differences(one_view(done, {}), log) == []
    assert differences(one_view(done, {HOUR: Counted((0, 0, 0), 0)}), log) == []


def test_what_became_of_the_events_and_their_time_are_compared() -> None:
    assert differences(one_view(DONE, RIGHT), VIEW) == []
    wrong = Progress(1, START - 1, (("received", 1), ("late", 1)))
    found = {
        each.what: (each.log, each.clickhouse) for each in differences(one_view(wrong, RIGHT), VIEW)
    }
    assert found == {"counted": (1, 0), "late": (0, 1), "record_time": (START, START - 1)}


def test_a_log_that_ends_before_what_was_counted_is_a_difference() -> None:
    far = replace(DONE, next_offset=7)
    assert [str(each) for each in differences(one_view(far, RIGHT), VIEW)] == [
        "partition 0, next_offset: log 1, ClickHouse 7"
    ]
    ahead = {**RIGHT, HOUR: Counted((1, 0, 0), 1)}
    assert [each.what for each in differences(one_view(DONE, ahead), VIEW)] == ["version"]
