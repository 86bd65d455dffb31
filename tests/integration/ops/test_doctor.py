"""`mostread doctor` on Kafka and ClickHouse, with finding part broken on purpose."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from kafka import TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType

from mostread.devstack.servers.kafka import LocalKafka
from mostread.infra import clock
from mostread.infra.auth.tokens import hash_token
from mostread.infra.clickhouse.client import connect
from mostread.infra.kafka import topics
from mostread.ops.backup.archive import Manifest, new_backup, write_manifest
from mostread.ops.doctor.checks import CHECKS
from mostread.ops.doctor.findings import Finding, Level
from mostread.ops.doctor.runner import run_checks
from mostread.ops.inspection.clients import SystemClients
from tests.faults.log import create_time, produce_to, transaction
from tests.faults.verdict import is_counted
from tests.support.collector import TOKENS
from tests.support.servers import free_ports, running_clickhouse
from tests.support.system import System, send, wait_until
from tests.support.tools import tool

SECRET = "hunter2-must-never-be-printed-anywhere"


class Doctor:
    """Runs checks with the settings of a system."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.services: dict[str, str] = {}
        self.ahead_ms = 0
        self.backups: Path | None = None

    def find(self, *checks: str) -> dict[str, list[Finding]]:
        """Return the findings of the checks of these names, or of all."""
        chosen = [check for check in CHECKS if not checks or check.__name__ in checks]
        clients = SystemClients(
            services=self.services,
            backups=self.backups,
            seconds=20,
            now_ms=lambda: clock.now_ms() - self.ahead_ms,
        )
        results = run_checks(clients, chosen, 40)
        clients.close()
        return {result.name: list(result.findings) for result in results}

    def bad(self, *checks: str) -> list[Finding]:
        """Return all findings that are not ok."""
        findings = [f for result in self.find(*checks).values() for f in result]
        return [finding for finding in findings if finding.level > Level.OK]

    def one(self, check: str) -> Finding:
        """Return the only finding that is not ok."""
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


def test_running_system_is_healthy_until_the_aggregator_stops(
    doctor: Doctor, system: System
) -> None:
    aggregator, ranking = (system.service(name) for name in ("aggregator", "ranking"))
    collector = system.service(
        "collector", MOSTREAD_COLLECTOR_TOKENS=f"cms:cms:{hash_token(TOKENS['cms'])}"
    )
    for service in (aggregator, collector, ranking):
        service.wait_ready()
        doctor.services[service.name] = service.url
    send(collector, 40)
    # The disks of this machine may well be full.
    checks = [check.__name__ for check in CHECKS if "disk" not in check.__name__]
    while any(finding.level is Level.WARNING for finding in doctor.bad("progress", "aggregators")):
        time.sleep(0.1)  # on a busy machine an aggregator may start slowly
    (undescribed,) = doctor.bad(*checks)
    assert undescribed.level is Level.WARNING
    assert undescribed.message.startswith("40 of the 40 articles of site default that were read")
    articles = [{"article_id": f"a{each}", "title": "A"} for each in range(40)]
    request = urllib.request.Request(
        f"{collector.url}/v1/articles",
        json.dumps(articles).encode(),
        {"Authorization": f"Bearer {TOKENS['cms']}"},
    )
    urllib.request.urlopen(request, timeout=30).close()
    while doctor.bad("descriptions"):
        time.sleep(0.1)
    assert doctor.bad(*checks) == []
    (finding,) = doctor.find("aggregators")["aggregators"]
    assert finding.message == "1 aggregator counts all 4 partitions"

    aggregator.stop()
    stopped = doctor.one("aggregators")
    assert stopped.level is Level.PROBLEM
    assert (
        f"no aggregator runs in the group {system.clickhouse.clickhouse_database}"
        in stopped.message
    )
    assert "Start `mostread aggregator`" in stopped.advice
    silent = doctor.one("services")
    assert silent.message.startswith("aggregator: nothing responds at")
    assert "mostread aggregator" in silent.advice

    send(collector, 100)
    doctor.ahead_ms = -60_000  # a minute later
    late = doctor.one("progress")
    waiting = sum(len(log) for log in system.log().values()) - system.counted()
    assert late.level is Level.WARNING
    assert f"; {waiting:,} records wait (partition " in late.message
    doctor.ahead_ms = -600_000
    assert doctor.one("progress").level is Level.PROBLEM

    doctor.ahead_ms = 0
    with topics.admin(system.kafka) as client:
        ends = {p: len(log) for p, log in system.log().items()}
        name = system.kafka.events_topic
        client.delete_records({TopicPartition(name, p): end for p, end in ends.items()})
    lost = [finding for finding in doctor.bad("progress") if "retention" in finding.message]
    assert sum(int(finding.message.split()[2]) for finding in lost) == waiting
    assert {finding.level for finding in lost} == {Level.PROBLEM}


def test_clock_skew_is_a_warning_and_then_a_problem(doctor: Doctor) -> None:
    assert doctor.bad("clocks") == []
    doctor.ahead_ms = 5_000
    slightly = doctor.bad("clocks")
    assert [finding.level for finding in slightly] == [Level.WARNING] * 2
    assert [finding.message[:19] for finding in slightly] == [
        "the clock of Kafka ",
        "the clock of ClickH",
    ]
    assert all(" ahead of this machine's" in finding.message for finding in slightly)
    doctor.ahead_ms = -100_000
    badly = doctor.bad("clocks")
    assert [finding.level for finding in badly] == [Level.PROBLEM] * 2
    assert all(" behind this machine's" in finding.message for finding in badly)
    assert all("NTP" in finding.advice for finding in badly)


def test_topic_settings_unsafe_for_counting_are_reported(doctor: Doctor, system: System) -> None:
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
    missing = f"the topic {articles} does not exist"
    wait_until(lambda: missing in str(doctor.bad("topics")), "the topic is gone")
    findings = {finding.message: finding for finding in doctor.bad("topics", "retention")}
    assert findings[missing].advice == "Run `mostread init` to create it."
    stamped = findings[
        f"the topic {events} has message.timestamp.type=CreateTime and needs LogAppendTime"
    ]
    assert stamped.level is Level.PROBLEM
    assert f"--topic {events} --add-config message.timestamp.type=LogAppendTime" in stamped.advice
    short = findings[f"{events} retains events for 2 hours: those not counted by then are lost"]
    assert "retention.ms=86400000" in short.advice
    assert any(
        message.startswith(f"{events} is limited to 1,000,000 bytes") for message in findings
    )
    alter(system, events, retention_ms="600000")
    assert "10 minutes" in str(doctor.bad("retention"))
    # min.insync.replicas exceeds the only broker.
    alter(system, events, min_insync_replicas="2")
    assert "accepts events only while" not in str(doctor.bad("replication"))


def test_advice_about_a_topic_works_when_followed(
    doctor: Doctor, system: System, kafka: LocalKafka
) -> None:
    name = system.kafka.dead_letters_topic
    alter(system, system.kafka.events_topic, retention_bytes="1000000")
    alter(system, name, max_message_bytes="5000", message_timestamp_type="CreateTime")
    wanted = {f"the topic {name} has max.message.bytes=5000 and needs 1000000"}
    wait_until(
        lambda: wanted <= {finding.message for finding in doctor.bad("topics", "retention")},
        "the doctor reports the configs",
    )
    findings = doctor.bad("topics", "retention")
    assert len(findings) == 3
    for finding in findings:
        command = finding.advice.partition("kafka-configs.sh ")[2].split()
        java = [*kafka._java(), "kafka.admin.ConfigCommand", *command]
        done = subprocess.run(java, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    wait_until(lambda: not doctor.bad("topics", "retention"), "nothing is left to report")


def test_producers_with_another_partitioner_are_reported(
    doctor: Doctor, system: System, kafka: LocalKafka
) -> None:
    def produce(*options: str) -> None:
        lines = [
            f'{name}|{{"type":"view","article_id":"{name}"}}'
            for name in (f"article-{number}" for number in range(40))
        ]
        command = [tool("kcat"), "-P", "-b", kafka.brokers, "-t", system.kafka.events_topic]
        subprocess.run([*command, "-K", "|", *options], input="\n".join(lines).encode(), check=True)

    produce("-X", "topic.partitioner=murmur2_random")
    assert doctor.bad("partitioning") == []
    produce()
    warned = doctor.one("partitioning")
    assert warned.level is Level.WARNING
    assert re.match(r"\d+ of the newest 80 events are not in the partition of", warned.message)
    assert "partitioner=murmur2_random" in warned.advice


def test_missing_topic_is_reported_by_each_check_that_reads_it(
    doctor: Doctor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOSTREAD_KAFKA_TOPIC_PREFIX", "nobody-made-")
    messages = [finding.message for finding in doctor.bad()]
    assert sum("the topic nobody-made-" in message for message in messages) == 7
    assert not any("the check itself failed" in message for message in messages)


def test_migrations_of_other_versions_and_missing_tables_are_reported(
    doctor: Doctor, system: System
) -> None:
    assert doctor.bad("clickhouse", "tables") == []
    client = connect(system.clickhouse)
    client.insert("schema_migrations", [[9999, "9999_later"]], column_names=["version", "name"])
    newer = doctor.one("tables")
    assert newer.level is Level.WARNING
    assert "9999_later, which this version does not know" in newer.message
    assert "finish the upgrade" in newer.advice
    later = [[10_000, "10000_breaking_names"]]
    client.insert("schema_migrations", later, column_names=["version", "name"])
    broken = doctor.one("tables")
    assert broken.level is Level.PROBLEM
    assert "10000_breaking_names" in broken.message
    assert "run that version" in broken.advice
    client.command("DELETE FROM schema_migrations WHERE version > 9000")
    client.command("DROP VIEW hours")
    view = doctor.one("tables")
    assert view.level is Level.WARNING
    assert view.message == "a view of an applied migration does not exist: hours"
    client.command("DROP TABLE counter_versions")
    dropped, _ = doctor.bad("tables")
    assert dropped.message.endswith("applied migration does not exist: counter_versions")
    client.insert("schema_migrations", [[1, "0001_initial"]], column_names=["version", "name"])
    edited, *_ = doctor.bad("tables")
    assert edited.message.startswith("0001_initial was edited after it was applied")
    client.command("DELETE FROM schema_migrations WHERE version = 1")
    (older,) = doctor.bad("tables")
    assert older.message == "the database lacks every migration"
    assert "mostread init" in older.advice
    client.close()


def test_backup_older_than_the_log_is_a_problem(doctor: Doctor, tmp_path: Path) -> None:
    doctor.backups = tmp_path / "backups"
    with new_backup(doctor.backups, datetime.now(UTC) - timedelta(days=2, hours=1)) as unfinished:
        manifest = Manifest(
            mostread="", created_at="", database="", epoch=0, migrations={}, tables={}, files=()
        )
        write_manifest(unfinished, manifest)
    late, beyond = doctor.bad("backups")
    assert late.message.endswith("is 2 days old")
    assert (late.level, beyond.level) == (Level.WARNING, Level.PROBLEM)
    assert "events retains events for 24 h only" in beyond.message


def test_checkpoint_that_contradicts_the_log_is_a_problem(doctor: Doctor, system: System) -> None:
    with topics.admin(system.kafka) as client:
        topic = topics.describe(client, system.kafka.events_topic)
    client = connect(system.clickhouse)
    columns = ["topic_id", "partition", "partitions", "next_offset", "received", "counted"]
    client.insert("checkpoint_versions", [[topic.id, 2, 4, 7, 9, 8]], column_names=columns)
    client.close()
    sums, beyond, *_ = doctor.bad("progress")
    assert beyond.message.startswith(
        "partition 2 ends at offset 0, but records up to 7 are counted"
    )
    assert sums.message.startswith("partition 2: 9 events were received")
    assert "mostread audit" in sums.advice


def test_open_transaction_and_record_from_the_future_are_reported(
    doctor: Doctor, system: System
) -> None:
    create_time(system)
    aggregator = system.service("aggregator").wait_ready()
    ahead = clock.now_ms() + 800 * 86_400_000
    produce_to(system, 1, b'{"type":"view","article_id":"a"}', ahead)
    wait_until(lambda: is_counted(system), "the record is counted")
    assert aggregator.stop() == 0
    future = doctor.one("progress")
    assert future.level is Level.WARNING
    assert future.message.startswith("partition 1 has a record from 20")
    assert future.message.endswith("800 days ahead of this machine's clock")
    with transaction(system, 2, [b'{"type":"view","article_id":"b"}'], commit=True):
        doctor.ahead_ms = -3_600_000  # an hour later
        _, held_up = doctor.bad("progress")
        assert held_up.level is Level.PROBLEM
        assert held_up.message.endswith(
            "1 records wait (partition 2: 1); an open transaction holds up partition 2 from "
            "offset 0 on"
        )
        assert "kafka-transactions.sh abort" in held_up.advice
    _, behind = doctor.bad("progress")
    assert behind.message.endswith("2 records wait (partition 2: 2)")
    assert "start another one" in behind.advice
    doctor.ahead_ms = 3_600_000  # or the aggregator's clock is an hour ahead
    clocks = [finding for finding in doctor.bad("progress") if finding.level is Level.PROBLEM]
    assert len(clocks) == 4
    assert "the clock of its aggregator is ahead" in clocks[0].message


def test_clickhouse_password_missing_database_and_outage_are_reported(
    doctor: Doctor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOSTREAD_CLICKHOUSE_PASSWORD", "right")
    with running_clickhouse(tmp_path / "locked") as server:
        monkeypatch.setenv("MOSTREAD_CLICKHOUSE_URL", server.url)
        monkeypatch.setenv("MOSTREAD_CLICKHOUSE_PASSWORD", "wrong-and-secret")
        refused = doctor.one("clickhouse")
        assert "MOSTREAD_CLICKHOUSE_USER and _PASSWORD" in refused.message
        assert "wrong-and-secret" not in str(refused)
        monkeypatch.setenv("MOSTREAD_CLICKHOUSE_PASSWORD", "right")
        empty = doctor.one("clickhouse")
        assert "the database is missing; run `mostread init`" in empty.message
        server.stop()
        away = doctor.bad("clickhouse", "tables", "clickhouse_disk")
        assert [finding.level for finding in away] == [Level.PROBLEM, Level.SKIPPED, Level.SKIPPED]
        assert "connection refused" in away[0].message
        assert "MOSTREAD_CLICKHOUSE_URL" in away[0].advice


def test_hanging_or_stopped_broker_does_not_delay_other_checks(
    doctor: Doctor, kafka: LocalKafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert kafka.pid
    os.kill(kafka.pid, signal.SIGSTOP)
    try:
        done = command("--json", "--timeout=5")
    finally:
        os.kill(kafka.pid, signal.SIGCONT)
    findings = {finding["check"]: finding for finding in json.loads(done.stdout)["findings"]}
    assert (
        findings["kafka"]["message"] == "Kafka accepts connections but does not respond within 3 s"
    )
    assert findings["topics"]["level"] == "skipped"
    assert findings["tables"]["level"] == "ok"

    kafka.stop()
    try:
        away = doctor.one("kafka")
    finally:
        kafka.start()
    assert away.level is Level.PROBLEM
    assert f"no Kafka broker responds ({kafka.brokers}: connection refused)" in away.message
    assert "MOSTREAD_KAFKA_BROKERS" in away.advice

    (unused_port,) = free_ports(1)
    monkeypatch.setenv("MOSTREAD_KAFKA_BROKERS", f"{kafka.brokers},127.0.0.1:{unused_port}")
    # In a process of its own: kafka-python leaves the refused socket to the garbage collector.
    output = json.loads(command("--json", "--timeout=40").stdout)
    (first, second) = [f for f in output["findings"] if f["check"] == "kafka"]
    assert f"127.0.0.1:{unused_port} of MOSTREAD_KAFKA_BROKERS does not respond" in first["message"]
    assert (first["level"], second["level"]) == ("warning", "ok")


def test_misspelt_invalid_and_inconsistent_settings_are_reported(
    doctor: Doctor, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert doctor.bad("settings") == []
    monkeypatch.setenv("MOSTREAD_KAFKA_BROKER", "a:1")
    monkeypatch.setenv("MOSTREAD_AGGREGATOR_FLUSH_INTERVAL_SECONDS", "30")
    misspelt, slow = doctor.bad("settings")
    assert "MOSTREAD_KAFKA_BROKER is set" in misspelt.message
    assert "did you mean MOSTREAD_KAFKA_BROKERS?" in misspelt.message
    assert "every list would be stale" in slow.message
    monkeypatch.delenv("MOSTREAD_COLLECTOR_VISITOR_SECRET")
    assert len(doctor.bad("settings")) == 2  # without collector settings
    monkeypatch.setenv("MOSTREAD_COLLECTOR_PORT", "8081")
    assert "MOSTREAD_COLLECTOR_VISITOR_SECRET is not set" in doctor.bad("settings")[1].message
    monkeypatch.setenv("MOSTREAD_COLLECTOR_VISITOR_SECRET", SECRET)
    monkeypatch.setenv("MOSTREAD_COLLECTOR_TRUSTED_PROXIES", "0.0.0.0/0")
    assert "can forge its address" in doctor.bad("settings")[1].message
    monkeypatch.setenv("MOSTREAD_RANKING_TRUSTED_PROXIES", "::/0")
    assert "sign in as anybody" in doctor.bad("settings")[2].message
    monkeypatch.setenv("MOSTREAD_RANKING_TRUSTED_PROXIES", "")
    monkeypatch.setenv("MOSTREAD_RANKING_TOKENS_FILE", "tokens")
    monkeypatch.setenv("MOSTREAD_RANKING_COLLECTOR_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("MOSTREAD_RANKING_SESSION_SECRET", SECRET)
    monkeypatch.setenv("MOSTREAD_COLLECTOR_SESSION_SECRET", SECRET[::-1])
    assert "refuse the decisions" in doctor.bad("settings")[3].message
    monkeypatch.setenv("MOSTREAD_RANKING_TIMEZONE", "Mars/Olympus")
    refused = doctor.bad("settings")[1]
    assert refused.level is Level.PROBLEM
    assert refused.message.startswith("MOSTREAD_RANKING_TIMEZONE: ")
    # Checks that do not read the invalid setting still run.
    assert doctor.bad("kafka", "topics", "clickhouse") == []
    assert "settings could not be read" in doctor.one("clocks").message


def command(*options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mostread", "doctor", "--data=/nowhere", *options],
        capture_output=True,
        text=True,
        check=False,
        timeout=90,
    )


def test_doctor_command_exits_with_1_and_prints_no_secret(
    doctor: Doctor, system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOSTREAD_CLICKHOUSE_PASSWORD", SECRET)
    monkeypatch.setenv("MOSTREAD_CLICKHOUSE_USR", "x")
    in_json = command("--json")
    for done in (command("--ranking=http://127.0.0.1:9", "--timeout=40"), in_json):
        assert done.returncode == 1, done.stdout + done.stderr  # no aggregator runs
        assert done.stderr == ""
        assert SECRET not in done.stdout
        assert "did you mean MOSTREAD_CLICKHOUSE_USER?" in done.stdout.replace("\n          ", " ")
    report: dict[str, Any] = json.loads(in_json.stdout)
    assert report["worst"] == "problem"
    assert report["targets"]["Kafka"] == system.environment["MOSTREAD_KAFKA_BROKERS"]
    assert {"check", "level", "message", "advice"} == report["findings"][0].keys()
    assert "write http://host:port" in command("--ranking=nowhere").stderr
