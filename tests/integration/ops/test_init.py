"""`mostread init` on Kafka and ClickHouse."""

import os
import subprocess
import sys
from pathlib import Path

from mostread.devstack.servers.clickhouse import LocalClickHouse
from mostread.devstack.servers.kafka import LocalKafka
from mostread.infra.kafka import topics
from mostread.infra.schemas import migrations
from tests.support.system import System


def init(system: System) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mostread", "init"],
        env={**os.environ, **system.environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_init_is_idempotent(kafka: LocalKafka, clickhouse: LocalClickHouse, tmp_path: Path) -> None:
    system = System(kafka.brokers, clickhouse.url, "init_twice", tmp_path)
    first, second = init(system), init(system)
    assert first.returncode == second.returncode == 0, first.stderr + second.stderr
    assert first.stdout.splitlines() == [
        "created topic init_twice.events",
        "created topic init_twice.articles",
        "created topic init_twice.dead-letters",
        *(f"applied migration {path.stem}" for path in migrations()),
    ]
    assert second.stdout == "nothing to do: all topics and tables exist\n"


def test_init_refuses_topic_without_log_append_time(
    kafka: LocalKafka, clickhouse: LocalClickHouse, tmp_path: Path
) -> None:
    system = System(kafka.brokers, clickhouse.url, "init_foreign", tmp_path)
    with topics.admin(system.kafka) as client:
        client.create_topics({"init_foreign.events": {"num_partitions": 1}})
    refused = init(system)
    assert refused.returncode == 1
    assert "message.timestamp.type=CreateTime and needs LogAppendTime" in refused.stderr
    assert "kafka-configs.sh" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_init_without_broker_names_the_setting(clickhouse: LocalClickHouse, tmp_path: Path) -> None:
    system = System("127.0.0.1:9", clickhouse.url, "init_nobody", tmp_path)
    refused = init(system)
    assert refused.returncode == 1
    assert "MOSTREAD_KAFKA_BROKERS" in refused.stderr
