"""Checks that clocks agree.

Record time is Kafka's; freshness and embargoes use the clocks of the services.
"""

from collections.abc import Iterator

from kafka.errors import KafkaError

from mostread.errors import MostreadError
from mostread.infra.settings import CountingSettings
from mostread.ops.doctor.findings import Finding, ok, problem, skipped, warning
from mostread.ops.inspection.clients import DependencyUnavailable, SystemClients
from mostread.ranking.config import RankingSettings

MAX_SKEW_MS = 2_000


def clocks(clients: SystemClients) -> Iterator[Finding]:
    """Compare this machine's clock with those of Kafka and ClickHouse."""
    stale_after = clients.settings(RankingSettings).ranking_stale_after_seconds
    max_skew = clients.settings(CountingSettings).aggregator_max_clock_skew_seconds
    problem_ms = 1000 * (min(stale_after, max_skew) if max_skew else stale_after)
    offsets: dict[str, int] = {}
    for name, measure in (("Kafka", _kafka_offset), ("ClickHouse", _clickhouse_offset)):
        try:
            offsets[name] = measure(clients)
        except DependencyUnavailable:
            continue  # reported by the check of that server
        except (KafkaError, MostreadError) as error:
            yield skipped(f"the clock of {name} could not be read ({error})")
    if not offsets:
        yield skipped("not compared, since neither Kafka nor ClickHouse could be read")
        return
    for name, offset in offsets.items():
        if abs(offset) < MAX_SKEW_MS:
            continue
        message = (
            f"the clock of {name} is {abs(offset) / 1000:,.1f} s "
            f"{'ahead of' if offset > 0 else 'behind'} this machine's"
        )
        advice = (
            "Synchronize all machines by NTP (`timedatectl status`). Events are still counted "
            "exactly once, but may fall into wrong windows, and freshness and embargoes are "
            "judged at the wrong time."
        )
        yield problem(message, advice) if abs(offset) >= problem_ms else warning(message, advice)
    if all(abs(offset) < MAX_SKEW_MS for offset in offsets.values()):
        *others, last = offsets
        yield ok(f"the clocks of {', '.join(['this machine', *others])} and {last} agree")


def _kafka_offset(clients: SystemClients) -> int:
    """Return by how many ms the controller's clock is ahead.

    The leader's last caught-up timestamp is its current time.
    """
    with clients.kafka() as client:
        before = clients.now_ms()
        (topic,) = client.describe_metadata_quorum()["topics"]
        after = clients.now_ms()
    (partition,) = topic["partitions"]
    for voter in partition["current_voters"]:
        if voter["replica_id"] == partition["leader_id"] and voter["last_caught_up_timestamp"] > 0:
            return _offset(before, int(voter["last_caught_up_timestamp"]), after)
    raise MostreadError("the controller does not report its time")


def _clickhouse_offset(clients: SystemClients) -> int:
    clients.query("now")  # opens the connection
    before = clients.now_ms()
    ((remote,),) = clients.query("now")
    return _offset(before, remote, clients.now_ms())


def _offset(before: int, remote: int, after: int) -> int:
    """Return the part of the difference that the duration of the request does not explain."""
    return remote - min(max(remote, before), after)
