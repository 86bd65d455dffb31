"""Does somebody count, everything, and in time?"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from kafka.errors import CoordinatorNotAvailableError

from mostread.aggregator.config import AggregatorSettings
from mostread.infra.kafka.admin import describe_group
from mostread.ops.doctor.findings import Finding, ok, problem, warning
from mostread.ops.inspection.clients import Way
from mostread.ops.inspection.progress import Partition, events_topic, partitions
from mostread.ranking.config import RankingSettings

STUCK_SECONDS = 300


def workers(way: Way) -> Iterator[Finding]:
    """The aggregators: whether each partition has one."""
    topic = events_topic(way)
    try:
        with way.kafka() as client:
            found = describe_group(
                client, way.settings(AggregatorSettings).aggregator_group, topic.name
            )
    except CoordinatorNotAvailableError:
        yield problem(
            "no broker coordinates consumer groups just now, so nobody can count",
            "On a new cluster that passes within seconds: look again. Else see the partitions of "
            "the topic __consumer_offsets, and the brokers that have them.",
        )
        return
    number = len(found.members)
    orphans = found.unassigned(topic.partitions)
    if not found.members:
        yield problem(
            f"no aggregator runs in the group {found.name}: nothing is counted",
            "Start `mostread aggregator`; if one runs, see in its log why it hangs or does not "
            "reach Kafka, and whether its MOSTREAD_AGGREGATOR_GROUP is this one. Nothing is lost "
            "within the retention.",
        )
    elif found.is_rebalancing:
        yield warning(
            f"the partitions are being given out among {number} just now ({found.state})",
            "Look again in half a minute. If it stays so, a worker comes and goes: see their logs.",
        )
    elif orphans:
        yield problem(
            f"nobody counts partition {_listed(orphans)}, with {number} in the group {found.name}",
            "If the topic or its partitions are new, look again in half a minute. Else start the "
            "aggregators anew, and let nobody else be in their group.",
        )
    elif idle := sum(not member.partitions for member in found.members):
        yield warning(
            f"{idle} of {number} aggregators have nothing to do: there are {topic.partitions} "
            "partitions",
            "Stop them, or add partitions.",
        )
    else:
        said = "1 aggregator counts" if number == 1 else f"{number} aggregators count"
        yield ok(f"{said} all {topic.partitions} partitions")


def counted(way: Way) -> Iterator[Finding]:
    """How far the counting is, by ClickHouse, against what the log has."""
    found = partitions(way)
    yield from _lost(found)
    yield from _contradictions(found)
    known = [each.position for each in found if each.position]
    uncounted = sum(each.uncounted for each in found)
    if not known:
        yield warning(
            f"nothing of this topic was counted yet; {uncounted:,} records wait",
            "An aggregator that runs writes how far it is within seconds: see `workers`, and "
            "/readyz and the log of the aggregator.",
        )
        return
    as_of = min(position.as_of for position in known)
    age = (way.now_ms() - as_of) / 1000
    moment = f"{datetime.fromtimestamp(as_of / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC"
    patience = way.settings(RankingSettings).ranking_stale_after_seconds
    if age <= patience and len(known) == len(found):
        yield ok(f"everything up to {moment} is counted, {uncounted:,} records are under way")
        return
    behind = sorted((each for each in found if each.uncounted), key=lambda each: -each.uncounted)
    lag = "; ".join(f"partition {each.number}: {each.uncounted:,}" for each in behind[:8])
    what = (
        f"only until {moment}, {_ago(age)} ago; {uncounted:,} records wait"
        + (f" ({lag}{' ...' if len(behind) > 8 else ''})" if lag else "")
        + "; lists are marked stale"
    )
    advice = (
        "See `workers` above, then /readyz and the log of the aggregator. If it runs and this "
        "does not shrink, it cannot keep up: start another one."
    )
    yield problem(what, advice) if age > STUCK_SECONDS else warning(what, advice)


def _lost(found: Sequence[Partition]) -> Iterator[Finding]:
    for each in found:
        if each.removed and each.position:
            yield problem(
                f"partition {each.number}: {each.removed:,} records, from offset "
                f"{each.next_offset:,} on, were removed by Kafka's retention before they were "
                "counted. They are lost",
                "Start the aggregator: it goes on behind the gap and reports it. Then let events "
                "stay longer (retention.ms) than the counting may stand still.",
            )


def _contradictions(found: Sequence[Partition]) -> Iterator[Finding]:
    for each in found:
        if each.beyond:
            yield problem(
                f"partition {each.number} ends at offset {each.extent.end:,}, and "
                f"{each.next_offset:,} records of it are counted: Kafka has lost acknowledged "
                "records",
                "The aggregator stops there, and counts nothing of it. Restore the log, or make "
                "the topic again under `mostread init`: totals are kept.",
            )
        position = each.position
        if position and position.received != sum(position.outcomes):
            yield problem(
                f"partition {each.number}: {position.received:,} events were received, and what "
                f"became of them adds up to {sum(position.outcomes):,}",
                "`mostread audit` says what differs; `mostread rebuild` counts the log anew.",
            )


def _listed(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers))


def _ago(seconds: float) -> str:
    for unit, size in (("days", 86_400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
