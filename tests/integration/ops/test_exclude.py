"""`mostread exclude` on Kafka and ClickHouse: an attack is left out of all numbers, and returns."""

import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager

import orjson
import pytest
from click.testing import CliRunner, Result
from kafka import KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType

from mostread.aggregator.config import AggregatorSettings
from mostread.cli.audit import audit
from mostread.cli.exclude import exclude
from mostread.cli.rebuild import rebuild
from mostread.core.exclusions import PENDING
from mostread.errors import Misconfigured
from mostread.infra.clickhouse.client import connect
from mostread.infra.clickhouse.exclusions import read_exclusions, write_exclusions
from mostread.infra.kafka import topics
from mostread.ops.backup.tables import BackupTables
from mostread.ops.rebuild.tables import RebuildTables
from tests.support.repeating import repeating
from tests.support.system import System, wait_until

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
ATTACK = time.time_ns() // 1_000_000 // HOUR_MS * HOUR_MS - 2 * HOUR_MS
"""The full hour, between two and three hours ago, in which the attack happens."""


def minute(milliseconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%MZ", time.gmtime(milliseconds / 1000))


RANGE = ("--from", minute(ATTACK), "--to", minute(ATTACK + 10 * MINUTE_MS))


def run(system: System, *arguments: str) -> Result:
    """Run `mostread exclude`."""
    return CliRunner().invoke(exclude, arguments, env=system.environment, catch_exceptions=False)


def add(system: System, *arguments: str) -> str:
    """Add an exclusion of the attack, and return its id."""
    common = ("--site", "default", *RANGE, "--reason", "clicks of a bot", "--by", "ops", "--yes")
    done = run(system, "add", *common, *arguments)
    assert done.exit_code == 0, done.output
    (line,) = (line for line in done.output.splitlines() if line.startswith("recorded"))
    return line.split()[-1]


def rebuilt(system: System, *options: str) -> str:
    done = CliRunner().invoke(rebuild, options, env=system.environment, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def audited(system: System) -> str:
    """Audit, and return the report, which has no differences."""
    done = CliRunner().invoke(audit, env=system.environment, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def views(system: System, grain: str = "total") -> dict[str, int]:
    client = connect(system.clickhouse)
    rows = client.query(
        "SELECT article_id, sum(views) AS number FROM counter_versions FINAL"
        f" WHERE grain = '{grain}' GROUP BY article_id HAVING number != 0"
    ).result_rows
    client.close()
    return dict(rows)


def outcomes(system: System) -> dict[str, int]:
    """Return the outcomes of all partitions."""
    sums: dict[str, int] = {}
    for each in system.outcomes().values():
        for name, number in each.items():
            sums[name] = sums.get(name, 0) + number
    return sums


def event(article: str, **fields: object) -> dict[str, object]:
    return {"type": "view", "article_id": article, **fields}


def attack(article: str, number: int, first: int = 0) -> list[dict[str, object]]:
    """Return views of one bot in the first minutes of the attack."""
    return [
        event(article, id=f"x{n}", timestamp=ATTACK + n % 10 * MINUTE_MS, visitor="bot")
        for n in range(first, first + number)
    ]


class Producer:
    """Sends events to partition 0, and counts them."""

    def __init__(self, system: System) -> None:
        self.sent = 0
        self._topic = system.kafka.events_topic
        self._producer = KafkaProducer(bootstrap_servers=system.kafka.bootstrap_servers)

    def send(self, events: Sequence[dict[str, object]], timestamp: int | None = None) -> None:
        for each in events:
            self._producer.send(
                self._topic, orjson.dumps(each), partition=0, timestamp_ms=timestamp
            )
        self.sent += len(events)
        self._producer.flush()

    def close(self) -> None:
        self._producer.close()

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Send views of the article `c` while the block runs."""
        with repeating(lambda: self.send([event("c")]), pause=0.01):
            yield


@pytest.fixture
def producer(system: System) -> Iterator[Producer]:
    producer = Producer(system)
    yield producer
    producer.close()


def counted(system: System, producer: Producer) -> None:
    wait_until(lambda: system.counted() >= producer.sent, f"{producer.sent} events are counted")


def test_attack_is_left_out_by_rebuild_and_returns_after_removal(
    system: System, producer: Producer
) -> None:
    system.service("aggregator").wait_ready()
    producer.send([*attack("a", 300), event("a"), *attack("b", 20), event("b", visitor="bot")])
    counted(system, producer)
    before = {"a": 301, "b": 21}
    assert views(system) == before
    shown = run(system, "add", "--site", "default", "--article", "a", *RANGE, "--reason", "r")
    assert "300 events of 1 article: 300 views, 0 comments, 0 likes" in shown.output
    assert "a: 300 views (99.7% of 301), 0 comments, 0 likes" in shown.output
    assert "visitor bot: 100% of the views" in shown.output
    assert run(system, "list").output == ""  # nobody confirmed it

    of_a = add(system, "--article", "a")
    of_b = add(system, "--article", "b", "--visitor", "bot")
    assert views(system) == before
    assert "exclusions in effect" not in audited(system)
    with pytest.raises(Misconfigured, match="others exclude them already"):
        add(system, "--article", "b")

    with producer.reading():
        assert "exclusions in effect: 2" in rebuilt(system)
        # Copies of excluded events are duplicates, and later ones are excluded too.
        producer.send([event("a", id="x7"), *attack("a", 5, first=300), *attack("d", 3)])
    counted(system, producer)
    pending = add(system, "--article", "d")
    of_c = views(system)["c"]
    assert views(system) == {"a": 1, "b": 1, "c": of_c, "d": 3}
    assert views(system, "hour") == views(system, "week") == views(system, "minute")
    summed = outcomes(system)
    assert (summed["excluded"], summed["duplicate"]) == (325, 1)
    assert "exclusions in effect: 2, which leave out 325 events" in audited(system)
    listed = run(system, "list").output
    assert f"{of_b}  from {minute(ATTACK)}" in listed
    assert "of visitor bot on site default, article b  in effect; by ops" in listed
    assert "article d  in effect from the next rebuild on" in listed

    removed = run(system, "remove", pending, "--yes")
    assert "not in effect yet" in removed.output
    assert "counted again" in run(system, "remove", of_b, "--yes").output
    with pytest.raises(Misconfigured, match="removed already"):
        run(system, "remove", of_b, "--yes")
    returned = run(system, "remove", of_a, "--yes", "--rebuild").output
    assert "305 events of 1 article" in returned
    assert "rebuilt" in returned
    wait_until(lambda: views(system) == {"a": 306, "b": 21, "c": of_c, "d": 3}, "all are back")
    assert "excluded" not in outcomes(system)
    assert "exclusions in effect" not in audited(system)


def test_exclusion_changes_counters_whose_log_has_lost_its_beginning(
    system: System, producer: Producer
) -> None:
    with topics.admin(system.kafka) as admin:
        resource = ConfigResource(
            ConfigResourceType.TOPIC,
            system.kafka.events_topic,
            {"message.timestamp.type": "CreateTime"},
        )
        admin.alter_configs([resource])
    system.service("aggregator").wait_ready()
    producer.send([event("a")] * 100, ATTACK - HOUR_MS)
    producer.send([*attack("a", 50), event("b")], ATTACK + 9 * MINUTE_MS)
    producer.send(attack("a", 30, first=20), ATTACK + 20 * MINUTE_MS)
    producer.send([event("a")], ATTACK + 40 * MINUTE_MS)
    counted(system, producer)
    before = views(system), views(system, "week"), outcomes(system)
    assert before[0] == {"a": 151, "b": 1}
    with topics.admin(system.kafka) as admin:
        admin.delete_records({TopicPartition(system.kafka.events_topic, 0): 60})

    of_a = add(system, "--article", "a")
    assert "kept" in rebuilt(system)
    counted(system, producer)
    assert views(system) == views(system, "week") == {"a": 101, "b": 1}
    expected = {**before[2], "counted": before[2]["counted"] - 50, "excluded": 50}
    assert outcomes(system) == expected
    producer.send(attack("a", 2, first=90), ATTACK + 41 * MINUTE_MS)
    counted(system, producer)
    assert views(system)["a"] == 101
    audited(system)
    rebuilt(system)
    assert views(system) == {"a": 101, "b": 1}

    run(system, "remove", of_a, "--yes", "--rebuild")
    wait_until(lambda: views(system)["a"] == 153, "the attack is counted again")
    assert views(system, "week")["a"] == 153
    assert outcomes(system)["counted"] == before[2]["counted"] + 2
    audited(system)


def test_exclusion_of_an_interrupted_rebuild_waits_for_the_next_one(
    system: System, producer: Producer
) -> None:
    producer.send([*attack("a", 3), *attack("b", 2)])
    first = add(system, "--article", "a")
    settings = AggregatorSettings(**system.clickhouse.model_dump())
    with closing(RebuildTables(settings)) as tables:
        epoch = tables.create()
        entries = tables.exclusions()
        second = add(system, "--article", "b")  # while the rebuild counts
        tables.apply(entries, epoch, ATTACK)
        applied = tables.exclusions()
        # and here it is killed
    waits = "in effect from the next rebuild on"
    assert [line.count(waits) for line in run(system, "list").output.splitlines()] == [1, 1]
    # A backup of now contains counters from before the exclusion.
    with closing(BackupTables(settings)) as backup:
        backup.restore_exclusions(backup.epoch())
    with closing(connect(system.clickhouse)) as client:
        assert [each.epoch for each in read_exclusions(client)] == [PENDING, PENDING]
        write_exclusions(client, [each._replace(version=9) for each in applied])
    run(system, "remove", second, "--yes")
    with pytest.raises(Misconfigured, match="rebuild --discard"):
        rebuilt(system)
    rebuilt(system, "--discard")
    assert views(system) == {"b": 2}
    listed = {line.split()[0]: line for line in run(system, "list").output.splitlines()}
    assert "in effect; by ops" in listed[first]
    assert "not in effect" in listed[second]
    audited(system)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["--from", minute(ATTACK), "--to", minute(ATTACK)], "--to is not after --from"),
        (["--from", minute(ATTACK), "--to", "2099-01-01T00:00Z"], "--to is in the future"),
        (["--from", minute(ATTACK)[:-1], "--to", minute(ATTACK)], "has no time zone"),
        (["--from", "2026-01-01T00:00:30Z", "--to", minute(ATTACK)], "is not a full minute"),
        (["--from", "yesterday", "--to", minute(ATTACK)], "is not a time"),
        (["--from", minute(ATTACK)], "Missing option '--to'"),
        ([*RANGE, "--reason", " "], "--reason is empty"),
    ],
    ids=["empty", "future", "no-zone", "seconds", "words", "no-end", "no-reason"],
)
def test_exclusion_with_a_wrong_range_is_refused(arguments: list[str], error: str) -> None:
    done = CliRunner().invoke(
        exclude, ["add", "--site", "s", "--reason", "r", *arguments], catch_exceptions=False
    )
    assert done.exit_code == 2
    assert error in done.output
