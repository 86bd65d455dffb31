"""Do the clocks agree? Record time is Kafka's, freshness and embargoes go by the services'."""

from collections.abc import Iterator

from kafka.errors import KafkaError

from mostread.errors import MostreadError
from mostread.infra.settings import CountingSettings
from mostread.ops.doctor.findings import Finding, ok, problem, skipped, warning
from mostread.ops.inspection.clients import NotReachedError, Way
from mostread.ranking.config import RankingSettings

NOTICED_MS = 2_000


def clock(way: Way) -> Iterator[Finding]:
    """This machine's clock against Kafka's and ClickHouse's, whichever can be asked."""
    seconds = way.settings(RankingSettings).ranking_stale_after_seconds
    future = way.settings(CountingSettings).aggregator_max_clock_skew_seconds
    intolerable = 1000 * (min(seconds, future) if future else seconds)
    ahead: dict[str, int] = {}
    for name, ask in (("Kafka", _kafka), ("ClickHouse", _clickhouse)):
        try:
            ahead[name] = ask(way)
        except NotReachedError:
            continue  # its own check says so
        except (KafkaError, MostreadError) as error:
            yield skipped(f"the clock of {name} was not asked ({error})")
    if not ahead:
        yield skipped("not compared, since neither Kafka nor ClickHouse tells the time")
        return
    for name, difference in ahead.items():
        if abs(difference) < NOTICED_MS:
            continue
        what = (
            f"the clock of {name} is {abs(difference) / 1000:,.1f} s "
            f"{'ahead of' if difference > 0 else 'behind'} that of this machine"
        )
        advice = (
            "Let every machine take its time by NTP (`timedatectl status`). Nothing is counted "
            "twice or lost by it, but events get into wrong windows, lists are called stale or "
            "fresh wrongly, and embargoes end at the wrong time."
        )
        yield problem(what, advice) if abs(difference) >= intolerable else warning(what, advice)
    if all(abs(difference) < NOTICED_MS for difference in ahead.values()):
        *others, last = ahead
        yield ok(f"{', '.join(['this machine', *others])} and {last} agree on the time")


def _kafka(way: Way) -> int:
    """The controller's clock: of itself it says that it has caught up just now."""
    with way.kafka() as client:
        asked = way.now_ms()
        (topic,) = client.describe_metadata_quorum()["topics"]
        answered = way.now_ms()
    (partition,) = topic["partitions"]
    for voter in partition["current_voters"]:
        if voter["replica_id"] == partition["leader_id"] and voter["last_caught_up_timestamp"] > 0:
            return _ahead(asked, int(voter["last_caught_up_timestamp"]), answered)
    raise MostreadError("the controller does not say what time it is")


def _clickhouse(way: Way) -> int:
    way.query("now")  # the first query of all pays for the connection
    asked = way.now_ms()
    ((its,),) = way.query("now")
    return _ahead(asked, its, way.now_ms())


def _ahead(asked: int, its: int, answered: int) -> int:
    """It was read somewhere between the two; only what that does not explain counts."""
    return its - min(max(its, asked), answered)
