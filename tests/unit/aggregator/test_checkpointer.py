"""Worker and Checkpointer without servers: order of writes, acknowledgements, backpressure."""

import asyncio
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

import pytest
from prometheus_client import CollectorRegistry

from mostread.aggregator.assigned import AssignedCounters
from mostread.aggregator.checkpointer import Checkpointer
from mostread.aggregator.config import AggregatorSettings
from mostread.aggregator.lag import Lag
from mostread.aggregator.metrics import AggregatorMetrics, Loss
from mostread.aggregator.recovery import Recovery
from mostread.aggregator.repository import CheckpointRow, CounterRow, Epoch, SketchRow
from mostread.aggregator.retry import Retrier
from mostread.aggregator.stopped import StoppedPartitions
from mostread.aggregator.stream.assignment import Assignment, Message, SupersededError
from mostread.aggregator.stream.fetch_errors import REFUSED_SECONDS
from mostread.aggregator.watchdog import Watchdog
from mostread.aggregator.worker import Worker
from mostread.core.control import Forget, encode_forget
from mostread.core.counting.batch import AllowedLateness, Outcomes
from mostread.core.counting.partition import PartitionCounter
from mostread.core.records import DeadLine
from mostread.errors import FetchRefused, StaleEpoch
from mostread.infra.kafka.topics import Topic

TOPIC = Topic("events", UUID(int=1), 1)
NOW = 1_790_000_000_000
VIEW = b'{"type":"view","article_id":"a","visitor":"v"}'


def record(offset: int, value: bytes = VIEW) -> Any:
    return SimpleNamespace(offset=offset, timestamp=NOW, key=None, value=value)


class Servers:
    """Kafka and ClickHouse: note every write, and change the generation at one of them."""

    def __init__(self) -> None:
        self.topic = TOPIC
        self.generation = 1
        self.superseded_at = ""
        self.steps: list[str] = []
        self.checkpoints: Sequence[CheckpointRow] = ()
        self.acknowledged = asyncio.Event()
        self.range = (0, 2)
        self.stable_end = 2
        self.position = 0
        self.refused = False

    async def describe(self) -> Topic:
        return self.topic

    async def offset_ranges(self, partitions: Sequence[int]) -> dict[int, tuple[int, int]]:
        return dict.fromkeys(partitions, self.range)

    async def stable_ends(self, partitions: Sequence[int]) -> dict[int, int]:
        return dict.fromkeys(partitions, self.stable_end)

    async def position_after(self, _: int, start: int, end: int) -> int:
        if self.refused:
            raise FetchRefused("its broker answers an error")
        return min(max(start, self.position), end)

    def counters(self, _: Epoch, keys: Sequence[Any]) -> list[CounterRow]:
        self._note("look up")
        return []

    def write(self, _: str, lines: Sequence[tuple[int, DeadLine]]) -> None:
        self._note("dead letters")

    def write_counters(self, _: Epoch, rows: Sequence[CounterRow]) -> None:
        self._note("counters")

    def write_sketches(self, _: Epoch, rows: Sequence[SketchRow]) -> None:
        self._note("sketches")

    def forget(self, _: Epoch, forgets: Mapping[int, Sequence[Forget]]) -> None:
        self._note("forgets")

    def write_checkpoints(self, _: Epoch, rows: Sequence[CheckpointRow]) -> None:
        self._note("checkpoints")
        self.checkpoints = rows

    def ack(self) -> None:
        self._note("ack")
        self.acknowledged.set()

    def _note(self, step: str) -> None:
        self.steps.append(step)
        if step == self.superseded_at:
            self.generation += 1


@pytest.fixture
def executor() -> Iterator[Executor]:
    with ThreadPoolExecutor(1) as executor:
        yield executor


@pytest.fixture
def servers() -> Servers:
    return Servers()


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def checkpointer(servers: Servers, executor: Executor, registry: CollectorRegistry) -> Checkpointer:
    metrics = AggregatorMetrics(registry)
    fake = cast("Any", servers)
    return Checkpointer(
        topic=fake,
        repository=fake,
        forgetter=fake,
        dead_letters=fake,
        retrier=Retrier(metrics, "counting"),
        metrics=metrics,
        lag=Lag(fake, metrics),
        watchdog=watchdog(metrics),
        executor=executor,
    )


def watchdog(metrics: AggregatorMetrics) -> Watchdog:
    return Watchdog(AggregatorSettings(), explain=str, metrics=metrics, restart=sys.exit)


def assigned(servers: Servers) -> AssignedCounters:
    counter = PartitionCounter(
        None, lateness=AllowedLateness(), counter_capacity=10, sketch_capacity=10
    )
    assignment = Assignment((0,), servers.generation, lambda: servers.generation)
    return AssignedCounters(assignment, Epoch(TOPIC, 0), {0: counter})


def counted(servers: Servers, *records: Any) -> AssignedCounters:
    """Return counters with one message of these records."""
    result = assigned(servers)
    result.counters[0].count(records)
    result.unacked.append(Message(result.assignment, 0, records, servers.ack))
    return result


async def test_checkpoint_writes_in_order_and_then_acknowledges(
    servers: Servers, checkpointer: Checkpointer
) -> None:
    forget = encode_forget("default", "a")
    servers.range, servers.stable_end = (0, 3), 3
    work = counted(servers, record(0), record(1, b"{"), record(2, forget))
    await checkpointer.run(work, on_closed=lambda: servers.steps.append("closed"))
    assert servers.steps == [
        "closed",
        "dead letters",
        "counters",
        "sketches",
        "forgets",
        "checkpoints",
        "ack",
    ]
    (row,) = servers.checkpoints
    assert row.checkpoint.next_offset == 3
    assert row.checkpoint.outcomes == Outcomes(received=2, counted=1, dead_lettered=1)
    assert row.watermark > NOW  # the present, not the time of the record
    assert work.unacked == []


async def test_watermark_stays_below_last_record_while_partition_has_more(
    servers: Servers, checkpointer: Checkpointer
) -> None:
    await checkpointer.run(counted(servers, record(0)), on_closed=lambda: None)
    (row,) = servers.checkpoints
    assert row.watermark == NOW - 1


async def test_checkpoint_passes_offsets_without_records(
    servers: Servers, checkpointer: Checkpointer
) -> None:
    work = counted(servers, record(0))
    servers.range, servers.stable_end, servers.position = (0, 7), 5, 9
    await checkpointer.run(work, on_closed=lambda: None)
    assert [row.checkpoint.next_offset for row in servers.checkpoints] == [1]
    await checkpointer.run(work, on_closed=lambda: None)
    assert [row.checkpoint.next_offset for row in servers.checkpoints] == [5]  # then an open one
    assert servers.checkpoints[0].watermark == NOW - 1
    servers.stable_end = 7
    await checkpointer.run(work, on_closed=lambda: None)
    assert [row.checkpoint.next_offset for row in servers.checkpoints] == [7]
    assert servers.checkpoints[0].watermark > NOW
    assert servers.checkpoints[0].checkpoint.lost == 0


async def test_checkpoint_stays_before_record_that_the_stream_has_not_delivered(
    servers: Servers, checkpointer: Checkpointer
) -> None:
    work = counted(servers, record(0))
    servers.range, servers.stable_end, servers.position = (0, 7), 7, 3
    for _ in range(3):
        await checkpointer.run(work, on_closed=lambda: None)
    assert [row.checkpoint.next_offset for row in servers.checkpoints] == [3]
    work.counters[0].count([record(3)])


async def test_records_removed_from_an_idle_partition_are_lost_once(
    servers: Servers, checkpointer: Checkpointer
) -> None:
    work = counted(servers, record(0))
    servers.range = (7, 7)
    servers.stable_end = 7
    for expected in ((1, 0), (1, 0), (7, 6), (7, 6)):
        await checkpointer.run(work, on_closed=lambda: None)
        (row,) = servers.checkpoints
        assert (row.checkpoint.next_offset, row.checkpoint.lost) == expected


async def test_gap_below_the_start_of_the_log_is_lost(
    servers: Servers, checkpointer: Checkpointer
) -> None:
    work = counted(servers, record(0), record(1))
    work.counters[0].count([record(5), record(6)])
    work.counters[0].count([record(9)])  # behind markers
    servers.range = (5, 10)
    for _ in range(2):
        await checkpointer.run(work, on_closed=lambda: None)
        (row,) = servers.checkpoints
        assert (row.checkpoint.next_offset, row.checkpoint.lost) == (10, 3)


@pytest.mark.parametrize("step", ["counters", "sketches", "checkpoints"])
async def test_superseded_checkpoint_acknowledges_nothing(
    servers: Servers, checkpointer: Checkpointer, step: str
) -> None:
    servers.superseded_at = step
    with pytest.raises(SupersededError):
        await checkpointer.run(counted(servers, record(0)), on_closed=lambda: None)
    assert servers.steps[-1] == step


async def test_loss_in_superseded_checkpoint_is_reported(
    servers: Servers, checkpointer: Checkpointer, registry: CollectorRegistry
) -> None:
    servers.superseded_at = "checkpoints"
    servers.range = (0, 4)
    work = counted(servers, record(0))
    work.lose(Loss(0, range(1, 4), "retention"))
    with pytest.raises(SupersededError):
        await checkpointer.run(work, on_closed=lambda: None)
    assert [row.checkpoint.lost for row in servers.checkpoints] == [3]
    labels = {"reason": "retention"}
    assert registry.get_sample_value("mostread_aggregator_records_lost_total", labels) == 3


async def test_refused_partition_is_reported_once_it_lasts_and_continues(
    servers: Servers, checkpointer: Checkpointer
) -> None:
    servers.refused, work = True, assigned(servers)
    await checkpointer.run(work, on_closed=lambda: None)
    assert work.counters[0].next_offset == 0
    assert work.standing() == {}
    work.refused = {0: replace(work.refused[0], since=time.monotonic() - REFUSED_SECONDS)}
    await checkpointer.run(work, on_closed=lambda: None)
    assert "answers an error" in str(work.standing()[0])
    servers.refused, servers.position = False, 2
    await checkpointer.run(work, on_closed=lambda: None)
    assert work.counters[0].next_offset == 2
    assert work.standing() == {}


async def test_log_that_ends_before_counted_records_makes_epoch_stale(
    servers: Servers, checkpointer: Checkpointer
) -> None:
    servers.range = (0, 1)
    with pytest.raises(StaleEpoch, match="partition 0 of events has lost counted records"):
        await checkpointer.run(counted(servers, record(0), record(1)), on_closed=lambda: None)
    assert servers.steps == []


async def test_recreated_topic_makes_epoch_stale_before_any_write(
    servers: Servers, checkpointer: Checkpointer
) -> None:
    servers.topic = Topic("events", UUID(int=2), 1)
    with pytest.raises(StaleEpoch, match="recreated"):
        await checkpointer.run(counted(servers, record(0)), on_closed=lambda: None)
    assert servers.steps == []


class FixedRecovery:
    """Recovery that returns the given counters."""

    def __init__(self, counters: AssignedCounters) -> None:
        self._counters = counters

    async def recover(
        self, _: Assignment, partitions: Sequence[int] | None = None
    ) -> AssignedCounters:
        return self._counters


def worker(servers: Servers, checkpointer: Checkpointer, work: AssignedCounters) -> Worker:
    metrics = AggregatorMetrics(CollectorRegistry())
    return Worker(
        AggregatorSettings(aggregator_max_buffered_bytes=1 << 20),
        recovery=cast("Recovery", FixedRecovery(work)),
        stopped=cast("StoppedPartitions", None),
        checkpointer=checkpointer,
        metrics=metrics,
        lag=Lag(cast("Any", servers), metrics),
        watchdog=watchdog(metrics),
    )


async def test_worker_ignores_messages_of_another_generation(
    servers: Servers, checkpointer: Checkpointer
) -> None:
    work = assigned(servers)
    counting = worker(servers, checkpointer, work)
    await counting.count(Message(work.assignment, 0, [record(0)], servers.ack))
    assert await counting.assign(work.assignment) == {0: 0}
    other = Assignment((), servers.generation - 1, lambda: servers.generation)
    await counting.count(Message(other, 0, [record(0)], servers.ack))
    await counting.count(Message(work.assignment, 1, [record(0)], servers.ack))
    assert work.unacked == []
    await counting.count(Message(work.assignment, 0, [record(0)], servers.ack))
    assert work.counters[0].next_offset == 1
    assert len(work.unacked) == 1


async def test_full_worker_blocks_counting_until_flush_closes_batches(
    servers: Servers, checkpointer: Checkpointer
) -> None:
    work = assigned(servers)
    counting = worker(servers, checkpointer, work)
    await counting.assign(work.assignment)
    large = b"\n".join([VIEW] * (1 + (1 << 20) // len(VIEW)))
    waiting = asyncio.create_task(
        counting.count(Message(work.assignment, 0, [record(0, large)], servers.ack))
    )
    await asyncio.sleep(0)
    assert not waiting.done()
    flushing = asyncio.create_task(counting.run())
    await waiting
    await servers.acknowledged.wait()
    flushing.cancel()
