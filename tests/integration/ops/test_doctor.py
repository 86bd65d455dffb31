"""`mostread doctor` on the real servers: each is broken on purpose, and found."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from kafka import TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType

from mostread.devstack.servers.kafka import LocalKafka
from mostread.infra import clock
from mostread.infra.clickhouse.client import connect
from mostread.infra.kafka import topics
from mostread.ops.doctor.checks import CHECKS
from mostread.ops.doctor.findings import Finding, Level
from mostread.ops.doctor.runner import examine
from mostread.ops.inspection.clients import Way
from tests.support.servers import free_ports, running_clickhouse
from tests.support.system import System, send, wait_until

SECRET = "hunter2-is-what-nobody-may-ever-read"


class Doctor:
    """Looks at a system as an operator does who has its settings."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.services: dict[str, str] = {}
        self.ahead_ms = 0

    def find(self, *checks: str) -> dict[str, list[Finding]]:
        """Return what was found by the checks of these names, or by all."""
        chosen = [each for each in CHECKS if not checks or each.__name__ in checks]
        way = Way(services=self.services, seconds=20, now_ms=lambda: clock.now_ms() - self.ahead_ms)
        found = examine(way, chosen, 40)
        way.close()
        return {each.name: list(each.findings) for each in found}

    def bad(self, *checks: str) -> list[Finding]:
        """Return all findings that are not in order."""
        found = self.find(*checks).values()
        return [finding for each in found for finding in each if finding.level > Level.OK]

    def one(self, check: str) -> Finding:
        """Return the one thing that is not in order."""
        (finding,) = self.bad(check)
        return finding


@pytest.fixture
def doctor(system: System, monkeypatch: pytest.MonkeyPatch) -> Doctor:
    for name in [name for name in os.environ if name.startswith("MOSTREAD_")]:
        monkeypatch.delenv(name)
    for name, value in system.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("MOSTREAD_COLLECTOR_VISITOR_SECRET", SECRET)
    monkeypatch.setenv("MOSTREAD_INIT_RETENTION_DAYS", "1")
    return Doctor(system)


def alter(system: System, topic: str, **configs: str) -> None:
    named = {name.replace("_", "."): value for name, value in configs.items()}
    with topics.admin(system.kafka) as client:
        client.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, named)])


def test_a_whole_way_and_then_without_who_counts(doctor: Doctor, system: System) -> None:
    aggregator, collector, ranking = (
        system.service(name) for name in ("aggregator", "collector", "ranking")
    )
    for service in (aggregator, collector, ranking):
        service.wait_ready()
        doctor.services[service.name] = service.url
    send(collector, 40)
    # Disks are those of whoever runs the tests, and may well be full.
    checks = [each.__name__ for each in CHECKS if "disk" not in each.__name__]
    while any(each.level is Level.WARNING for each in doctor.bad("counted", "workers")):
        time.sleep(0.1)  # on a busy machine a worker may need a while to get going
    assert doctor.bad(*checks) == []
    (said,) = doctor.find("workers")["workers"]
    assert said.what == "1 aggregator counts all 4 partitions"

    aggregator.stop()
    workers = doctor.one("workers")
    assert workers.level is Level.PROBLEM
    assert (
        f"no aggregator runs in the group {system.clickhouse.clickhouse_database}" in workers.what
    )
    assert "Start `mostread aggregator`" in workers.advice
    silent = doctor.one("services")
    assert silent.what.startswith("aggregator: nothing responds at")
    assert "mostread aggregator" in silent.advice

    send(collector, 100)
    doctor.ahead_ms = -60_000  # a minute later
    late = doctor.one("counted")
    waiting = sum(len(log) for log in system.log().values()) - system.counted()
    assert late.level is Level.WARNING
    assert f"; {waiting:,} records wait (partition " in late.what
    doctor.ahead_ms = -600_000
    assert doctor.one("counted").level is Level.PROBLEM

    doctor.ahead_ms = 0
    with topics.admin(system.kafka) as client:
        ends = {p: len(log) for p, log in system.log().items()}
        name = system.kafka.events_topic
        client.delete_records({TopicPartition(name, p): end for p, end in ends.items()})
    lost = [each for each in doctor.bad("counted") if "retention" in each.what]
    assert sum(int(each.what.split()[2]) for each in lost) == waiting
    assert {each.level for each in lost} == {Level.PROBLEM}


def test_the_clock_of_this_machine_is_compared(doctor: Doctor) -> None:
    assert doctor.bad("clock") == []
    doctor.ahead_ms = 5_000
    slightly = doctor.bad("clock")
    assert [each.level for each in slightly] == [Level.WARNING] * 2
    assert [each.what[:19] for each in slightly] == ["the clock of Kafka ", "the clock of ClickH"]
    assert all(" ahead of that of this machine" in each.what for each in slightly)
    doctor.ahead_ms = -100_000
    badly = doctor.bad("clock")
    assert [each.level for each in badly] == [Level.PROBLEM] * 2
    assert all(" behind that of this machine" in each.what for each in badly)
    assert all("NTP" in each.advice for each in badly)


def test_topics_that_do_not_do(doctor: Doctor, system: System) -> None:
    events, articles = system.kafka.events_topic, system.kafka.articles_topic
    assert doctor.bad("topics", "retention", "replication") == []
    alter(
        system,
        events,
        message_timestamp_type="CreateTime",
        retention_ms="7200000",
        retention_bytes="1000000",
    )
    with topics.admin(system.kafka) as client:
        client.delete_topics([articles])
        client.delete_topics([system.kafka.dead_letters_topic])
    missing = f"there is no topic {articles}"
    wait_until(lambda: missing in str(doctor.bad("topics")), "the topic is gone")
    said = {each.what: each for each in doctor.bad("topics", "retention")}
    assert said[missing].advice == "`mostread init` creates it."
    stamped = said[
        f"the topic {events} has message.timestamp.type=CreateTime and needs LogAppendTime"
    ]
    assert stamped.level is Level.PROBLEM
    assert f"--topic {events} --add-config message.timestamp.type=LogAppendTime" in stamped.advice
    short = said[f"events stay in {events} for 2 hours: what is not counted by then is lost"]
    assert "retention.ms=86400000" in short.advice
    assert any(each.startswith(f"{events} is cut at 1,000,000 bytes") for each in said)
    alter(system, events, retention_ms="600000")
    assert "10 minutes" in str(doctor.bad("retention"))
    # Two replicas are asked for and only one broker is there.
    alter(system, events, min_insync_replicas="2")
    assert "takes events only while" not in str(doctor.bad("replication"))


def test_a_topic_that_is_missing_is_named_by_what_needs_it(
    doctor: Doctor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOSTREAD_KAFKA_TOPIC_PREFIX", "nobody-made-")
    found = doctor.bad()
    assert sum("there is no topic nobody-made-" in each.what for each in found) == 5
    assert not any("the check itself failed" in each.what for each in found)


def test_a_database_that_is_of_another_version(doctor: Doctor, system: System) -> None:
    assert doctor.bad("clickhouse", "tables") == []
    client = connect(system.clickhouse)
    client.insert("schema_migrations", [[9999, "9999_later"]], column_names=["version", "name"])
    newer = doctor.one("tables")
    assert newer.level is Level.WARNING
    assert "9999_later, which this mostread does not know" in newer.what
    assert "finish the upgrade" in newer.advice
    later = [[10_000, "10000_breaking_names"]]
    client.insert("schema_migrations", later, column_names=["version", "name"])
    broken = doctor.one("tables")
    assert broken.level is Level.PROBLEM
    assert "10000_breaking_names" in broken.what
    assert "run that one" in broken.advice
    client.command("DELETE FROM schema_migrations WHERE version > 9000")
    client.command("DROP TABLE counters")
    (dropped,) = doctor.bad("tables")
    assert dropped.what.endswith("its table is not there: counters")
    client.command("DELETE FROM schema_migrations WHERE version = 1")
    (older,) = doctor.bad("tables")
    assert older.what == "the database lacks every migration"
    assert "mostread init" in older.advice
    client.close()


def test_counting_that_contradicts_the_log(doctor: Doctor, system: System) -> None:
    with topics.admin(system.kafka) as client:
        topic = topics.describe(client, system.kafka.events_topic)
    client = connect(system.clickhouse)
    columns = ["topic_id", "partition", "partitions", "next_offset", "received", "counted"]
    client.insert("checkpoints", [[topic.id, 2, 4, 7, 9, 8]], column_names=columns)
    client.close()
    beyond, sums, *_ = doctor.bad("counted")
    assert beyond.what.startswith("partition 2 ends at offset 0, and 7 records of it are counted")
    assert sums.what.startswith("partition 2: 9 events were received")
    assert "mostread audit" in sums.advice


def test_clickhouse_behind_a_password_and_away(
    doctor: Doctor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOSTREAD_CLICKHOUSE_PASSWORD", "right")
    with running_clickhouse(tmp_path / "locked") as server:
        monkeypatch.setenv("MOSTREAD_CLICKHOUSE_URL", server.url)
        monkeypatch.setenv("MOSTREAD_CLICKHOUSE_PASSWORD", "wrong-and-secret")
        refused = doctor.one("clickhouse")
        assert "MOSTREAD_CLICKHOUSE_USER and _PASSWORD" in refused.what
        assert "wrong-and-secret" not in str(refused)
        monkeypatch.setenv("MOSTREAD_CLICKHOUSE_PASSWORD", "right")
        empty = doctor.one("clickhouse")
        assert "the database is missing; run `mostread init`" in empty.what
        server.stop()
        away = doctor.bad("clickhouse", "tables", "disk_of_clickhouse")
        assert [each.level for each in away] == [Level.PROBLEM, Level.SKIPPED, Level.SKIPPED]
        assert "connection refused" in away[0].what
        assert "MOSTREAD_CLICKHOUSE_URL" in away[0].advice


def test_a_broker_that_is_away_or_silent_does_not_hold_up_the_others(
    doctor: Doctor, kafka: LocalKafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert kafka.pid
    os.kill(kafka.pid, signal.SIGSTOP)
    try:
        done = command("--json", "--seconds=5")
    finally:
        os.kill(kafka.pid, signal.SIGCONT)
    found = {each["check"]: each for each in json.loads(done.stdout)["findings"]}
    assert found["kafka"]["what"] == "Kafka takes connections, and says nothing within 3 s"
    assert found["topics"]["level"] == "skipped"
    assert found["tables"]["level"] == "ok"

    kafka.stop()
    try:
        away = doctor.one("kafka")
    finally:
        kafka.start()
    assert away.level is Level.PROBLEM
    assert f"no Kafka broker answers ({kafka.brokers}: connection refused)" in away.what
    assert "MOSTREAD_KAFKA_BROKERS" in away.advice

    (nobody,) = free_ports(1)
    monkeypatch.setenv("MOSTREAD_KAFKA_BROKERS", f"{kafka.brokers},127.0.0.1:{nobody}")
    # In a process of its own: kafka-python leaves the socket that nobody answered to the collector.
    said = json.loads(command("--json", "--seconds=40").stdout)["findings"]
    (first, second) = [each for each in said if each["check"] == "kafka"]
    assert f"127.0.0.1:{nobody} of MOSTREAD_KAFKA_BROKERS does not answer" in first["what"]
    assert (first["level"], second["level"]) == ("warning", "ok")


def test_settings_that_are_misspelt_refused_or_at_odds(
    doctor: Doctor, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert doctor.bad("settings") == []
    monkeypatch.setenv("MOSTREAD_KAFKA_BROKER", "a:1")
    monkeypatch.setenv("MOSTREAD_AGGREGATOR_FLUSH_INTERVAL_SECONDS", "30")
    misspelt, slow = doctor.bad("settings")
    assert "MOSTREAD_KAFKA_BROKER is set" in misspelt.what
    assert "did you mean MOSTREAD_KAFKA_BROKERS?" in misspelt.what
    assert "every list would be marked stale" in slow.what
    monkeypatch.delenv("MOSTREAD_COLLECTOR_VISITOR_SECRET")
    assert len(doctor.bad("settings")) == 2  # nothing here is said of a collector
    monkeypatch.setenv("MOSTREAD_COLLECTOR_PORT", "8081")
    assert "MOSTREAD_COLLECTOR_VISITOR_SECRET is not set" in doctor.bad("settings")[1].what
    monkeypatch.setenv("MOSTREAD_COLLECTOR_VISITOR_SECRET", SECRET)
    monkeypatch.setenv("MOSTREAD_COLLECTOR_TRUSTED_PROXIES", "0.0.0.0/0")
    assert "may choose the address" in doctor.bad("settings")[1].what
    monkeypatch.setenv("MOSTREAD_RANKING_TIMEZONE", "Mars/Olympus")
    refused = doctor.bad("settings")[1]
    assert refused.level is Level.PROBLEM
    assert refused.what.startswith("MOSTREAD_RANKING_TIMEZONE: ")
    # What does not need it is looked at all the same.
    assert doctor.bad("kafka", "topics", "clickhouse") == []
    assert "its settings could not be read" in doctor.one("clock").what


def command(*options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mostread", "doctor", "--data=/nowhere", *options],
        capture_output=True,
        text=True,
        check=False,
        timeout=90,
    )


def test_the_command_ends_with_1_and_says_no_secret(
    doctor: Doctor, system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOSTREAD_CLICKHOUSE_PASSWORD", SECRET)
    monkeypatch.setenv("MOSTREAD_CLICKHOUSE_USR", "x")
    in_json = command("--json")
    for done in (command("--ranking=http://127.0.0.1:9", "--seconds=40"), in_json):
        assert done.returncode == 1, done.stdout + done.stderr  # nobody counts
        assert done.stderr == ""
        assert SECRET not in done.stdout
        assert "did you mean MOSTREAD_CLICKHOUSE_USER?" in done.stdout.replace("\n          ", " ")
    told: dict[str, Any] = json.loads(in_json.stdout)
    assert told["worst"] == "problem"
    assert told["looked_at"]["Kafka"] == system.environment["MOSTREAD_KAFKA_BROKERS"]
    assert {"check", "level", "what", "advice"} == told["findings"][0].keys()
    assert "write http://host:port" in command("--ranking=nowhere").stderr
