"""Checks that aggregators run, count every partition, and keep up."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from kafka.errors import CoordinatorNotAvailableError

from mostread.aggregator.config import AggregatorSettings
from mostread.errors import LogInconsistent, UnreadableBatch
from mostread.infra.kafka.admin import describe_group
from mostread.infra.settings import CountingSettings
from mostread.ops.doctor.checks.clock_skew import MAX_SKEW_MS
from mostread.ops.doctor.findings import Finding, ok, problem, warning
from mostread.ops.inspection.clients import SystemClients
from mostread.ops.inspection.progress import (
    PartitionProgress,
    articles_lag,
    events_topic,
    partition_progress,
)
from mostread.ops.inspection.stopped import Stopped, stopped_partitions
from mostread.ranking.config import RankingSettings

STUCK_AFTER_SECONDS = 300
_MAX_PARTITIONS_LISTED = 8


def aggregators(clients: SystemClients) -> Iterator[Finding]:
    """Check that each partition is assigned to an aggregator."""
    topic = events_topic(clients)
    name = clients.settings(AggregatorSettings).aggregator_group
    try:
        with clients.kafka() as client:
            consumer_group = describe_group(client, name, topic.name)
    except CoordinatorNotAvailableError:
        yield problem(
            "no broker coordinates consumer groups, so aggregators cannot join theirs",
            "On a new cluster this passes within seconds: run the doctor again. Otherwise check "
            "the partitions of the topic __consumer_offsets and the brokers that hold them.",
        )
        return
    number = len(consumer_group.members)
    unassigned = consumer_group.unassigned(topic.partitions)
    if not consumer_group.members:
        yield problem(
            f"no aggregator runs in the group {name}, so nothing is counted",
            "Start `mostread aggregator`. If one runs, check its log for Kafka errors, and whether "
            "its MOSTREAD_AGGREGATOR_GROUP is the same. No event is lost within the retention.",
        )
    elif consumer_group.is_rebalancing:
        yield warning(
            f"the group of {number} is rebalancing ({consumer_group.state})",
            "Run the doctor again in half a minute. If this persists, an aggregator keeps "
            "restarting: read the logs.",
        )
    elif unassigned:
        yield problem(
            f"partition {_join(unassigned)} has no aggregator, with {number} in the group {name}",
            "For a new topic or new partitions, run the doctor again in half a minute. Otherwise "
            "restart the aggregators, and remove other consumers from the group.",
        )
    elif idle := sum(not member.partitions for member in consumer_group.members):
        yield warning(
            f"{idle} of {number} aggregators are idle, since there are {topic.partitions} "
            "partitions",
            "Stop them, or add partitions.",
        )
    else:
        subject = "1 aggregator counts" if number == 1 else f"{number} aggregators count"
        yield ok(f"{subject} all {topic.partitions} partitions")


def articles(clients: SystemClients) -> Iterator[Finding]:
    """Check that articles and placements are stored, by a group of their own."""
    lag = articles_lag(clients)
    if lag:
        yield warning(
            f"{lag:,} records of articles and placements are not stored yet",
            "Run the doctor again in half a minute. If they stay, counting is not affected: read "
            'the log of the aggregators for errors with `"work":"articles"`.',
        )
    else:
        yield ok("all articles and placements are stored")


def progress(clients: SystemClients) -> Iterator[Finding]:
    """Check checkpoints in ClickHouse against the log."""
    partitions = partition_progress(clients)
    yield from _expired_records(partitions)
    yield from _contradictions(partitions)
    yield from _times_ahead(clients, partitions)
    checkpoints = [partition.checkpoint for partition in partitions if partition.checkpoint]
    lag = sum(partition.lag for partition in partitions)
    if not checkpoints:
        yield warning(
            f"nothing of this topic is counted yet; {lag:,} records wait",
            "A running aggregator writes checkpoints within seconds: see the check `aggregators`, "
            "and its /readyz and log.",
        )
        return
    watermark = min(checkpoint.watermark for checkpoint in checkpoints)
    age = (clients.now_ms() - watermark) / 1000
    time = _format_time(watermark)
    stale_after = clients.settings(RankingSettings).ranking_stale_after_seconds
    if age <= stale_after and len(checkpoints) == len(partitions):
        yield ok(f"the watermark is {time}, and {lag:,} records are in flight")
        return
    stopped = stopped_partitions(clients, partitions, stale_after)
    yield from _stopped(stopped)
    message = (
        f"the watermark is {time}, {_format_age(age)} old, so lists are stale; "
        f"{lag:,} records wait{_lag_by_partition(partitions)}{_open_transactions(partitions)}"
    )
    advice = (
        "See the check `aggregators`, then /readyz and the log of the aggregator. If the lag does "
        "not shrink while aggregators run, they cannot keep up: start another one."
    )
    if all(partition.held_up for partition in partitions if partition.lag):
        advice = (
            "Counting continues once the producer ends its transaction, or Kafka aborts it after "
            "transaction.timeout.ms. To find the producer, run `kafka-transactions.sh "
            "describe-producers` for the partition; if it is gone, `kafka-transactions.sh abort`."
        )
    if len(stopped) == sum(partition.lag > 0 for partition in partitions):
        advice = "Lists are current again once the partitions that have stopped continue."
    yield problem(message, advice) if age > STUCK_AFTER_SECONDS else warning(message, advice)


def _stopped(partitions: Sequence[Stopped]) -> Iterator[Finding]:
    for number, error in partitions:
        match error:
            case UnreadableBatch():
                yield problem(
                    f"partition {number} has stopped at offset {error.offset:,}, which cannot be "
                    f"read: {error.reason}",
                    "docs/how-to/runbook.md#unreadable-batches lists how to restore the batch. To "
                    f"give up its events: {error.command}.",
                )
            case LogInconsistent():
                yield problem(
                    f"{error}, and the partition has stopped",
                    "Restore its records, or recreate the topic with `mostread init` once the "
                    "other partitions are counted: totals are kept.",
                )
            case _:
                yield problem(
                    str(error),
                    "Repair the files of the partition, or make another replica the leader. "
                    "Counting continues by itself.",
                )


def _lag_by_partition(partitions: Sequence[PartitionProgress]) -> str:
    behind = sorted((p for p in partitions if p.lag), key=lambda p: -p.lag)
    if not behind:
        return ""
    listed = "; ".join(f"partition {p.number}: {p.lag:,}" for p in behind[:_MAX_PARTITIONS_LISTED])
    return f" ({listed}{' ...' if len(behind) > _MAX_PARTITIONS_LISTED else ''})"


def _open_transactions(partitions: Sequence[PartitionProgress]) -> str:
    held_up = [p for p in partitions if p.held_up]
    if not held_up:
        return ""
    listed = "; ".join(
        f"partition {p.number} from offset {p.offsets.stable_end:,} on"
        for p in held_up[:_MAX_PARTITIONS_LISTED]
    )
    more = " ..." if len(held_up) > _MAX_PARTITIONS_LISTED else ""
    return f"; an open transaction holds up {listed}{more}"


def _times_ahead(
    clients: SystemClients, partitions: Sequence[PartitionProgress]
) -> Iterator[Finding]:
    """Compare record times and watermarks with this machine's clock."""
    now = clients.now_ms()
    max_skew_ms = clients.settings(CountingSettings).max_clock_skew_ms
    for partition in partitions:
        checkpoint = partition.checkpoint
        if checkpoint and checkpoint.record_time > now + max_skew_ms:
            yield warning(
                f"partition {partition.number} has a record from "
                f"{_format_time(checkpoint.record_time)}, "
                f"{_format_age((checkpoint.record_time - now) / 1000)} ahead of this machine's "
                "clock",
                "Synchronize the clocks of the brokers, and check that the topic has "
                "message.timestamp.type=LogAppendTime. The watermark is right, and only an event "
                "that was sent before that record and again after it counts twice. Until that "
                "time aggregators keep the id of every event in memory, and read the log from that "
                "record on whenever they start.",
            )
        if checkpoint and checkpoint.watermark > now + MAX_SKEW_MS:
            yield problem(
                f"partition {partition.number} has the watermark "
                f"{_format_time(checkpoint.watermark)}, which is ahead of this machine's clock by "
                f"{_format_age((checkpoint.watermark - now) / 1000)}: the clock of its aggregator "
                "is ahead",
                "Synchronize the clocks of the aggregators. Until then lists do not become stale "
                "when counting stops.",
            )


def _expired_records(partitions: Sequence[PartitionProgress]) -> Iterator[Finding]:
    for partition in partitions:
        if partition.expired and partition.checkpoint:
            yield problem(
                f"partition {partition.number}: {partition.expired:,} records from offset "
                f"{partition.next_offset:,} were lost: Kafka's retention removed them before they "
                "were counted",
                "Start the aggregator: it continues after the gap and reports it. Then set "
                "retention.ms above the longest outage of the aggregators.",
            )


def _contradictions(partitions: Sequence[PartitionProgress]) -> Iterator[Finding]:
    for partition in partitions:
        checkpoint = partition.checkpoint
        if checkpoint and checkpoint.received != sum(checkpoint.outcomes):
            yield problem(
                f"partition {partition.number}: {checkpoint.received:,} events were received, but "
                f"their outcomes add up to {sum(checkpoint.outcomes):,}",
                "Run `mostread audit` to list differences, and `mostread rebuild` to recount the "
                "log.",
            )


def _join(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers))


def _format_time(ms: int) -> str:
    return f"{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC"


def _format_age(seconds: float) -> str:
    for unit, size in (("days", 86_400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
