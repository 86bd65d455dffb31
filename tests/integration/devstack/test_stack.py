"""`mostread up` and `mostread down`, as a person runs them."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import clickhouse_connect
import pytest

from mostread.devstack.data_dir import DataFolder
from mostread.devstack.ports import Ports
from mostread.devstack.process import Identity
from mostread.devstack.servers.kafka import LocalKafka
from mostread.infra.healthcheck import readiness_error
from tests.support.servers import free_base, free_ports

MOSTREAD = [sys.executable, "-m", "mostread"]
READY = "Stop with Ctrl-C"


def mostread(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*MOSTREAD, *arguments], capture_output=True, text=True, check=False)


@contextmanager
def up(data: Path, base: int, *options: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """A running stack: what it said until it was ready is asserted, the rest can be read."""
    command = [*MOSTREAD, "up", "--data", str(data), "--ports", str(base), *options]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | environment,
    ) as process:
        try:
            assert process.stdout
            said: list[str] = []
            while not said or not said[-1].startswith(READY):
                said.append(process.stdout.readline())
                assert said[-1], f"it ended before it was ready: {''.join(said)}"
            yield process
        finally:
            process.terminate()
            process.communicate()


def processes(data: Path) -> dict[str, Identity]:
    remembered = json.loads((data / "processes.json").read_text())
    return {name: Identity(**fields) for name, fields in remembered.items()}


def until_gone(stack: dict[str, Identity]) -> None:
    while any(identity.is_alive() for identity in stack.values()):
        time.sleep(0.05)


def test_a_stack_from_up_to_down(tmp_path: Path) -> None:
    data, ports = tmp_path / "data", Ports(free_base())
    # Without a pool: a connection to a server that was killed would be a warning later.
    query = {"host": "127.0.0.1", "port": ports.clickhouse, "dedicated_pool": True}

    with up(data, ports.base) as first:
        stack = processes(data)
        assert list(stack) == ["kafka", "clickhouse", "aggregator-1", "collector", "ranking"]
        for port in (ports.ranking, ports.collector, *ports.aggregators):
            assert readiness_error(f"http://127.0.0.1:{port}") == ""

        # With no setting by hand.
        well = mostread("doctor", "--data", str(data))
        assert well.returncode == 0, well.stdout
        assert f"; development stack at {data}\n" in well.stdout
        assert "services: aggregator-1, collector, ranking are ready" in well.stdout
        seen = mostread("status", "--data", str(data))
        assert seen.returncode == 0, seen.stdout
        assert f"http://127.0.0.1:{ports.collector}\n" in seen.stdout
        assert "127.0.0.1: partitions 0-7" in seen.stdout

        refused = mostread("up", "--data", str(data), "--ports", str(free_base()))
        assert refused.returncode == 1
        assert f"in use by a running `mostread up` (process {first.pid})" in refused.stderr
        taken = mostread("up", "--data", str(tmp_path / "other"), "--ports", str(ports.base))
        assert taken.returncode == 1
        assert f"port {ports.ranking} for ranking" in taken.stderr
        assert "--ports BASE" in taken.stderr

        os.kill(stack["collector"].pid, signal.SIGKILL)
        while processes(data).get("collector", stack["collector"]) == stack["collector"]:
            time.sleep(0.05)
        while readiness_error(f"http://127.0.0.1:{ports.collector}"):
            time.sleep(0.05)
        with clickhouse_connect.get_client(**query) as client:
            client.command("CREATE TABLE default.kept (a UInt8) ENGINE = MergeTree ORDER BY a")
            client.command("INSERT INTO default.kept VALUES (7)")

        stack = processes(data)
        first.kill()
        until_gone(stack)

    with up(data, ports.base) as second:
        with clickhouse_connect.get_client(**query) as client:
            assert client.command("SELECT a FROM default.kept") == 7
        stack = processes(data)
        ended = mostread("down", "--data", str(data))
        assert (ended.returncode, ended.stdout.splitlines()[-1]) == (0, "Stopped.")
        assert not any(identity.is_alive() for identity in stack.values())
        assert second.wait() == 0
        stopped = [
            json.loads(line)["process"]
            for line in DataFolder(data).log("supervisor").read_text().splitlines()
            if '"process_stopping"' in line
        ]
        assert stopped == ["ranking", "collector", "aggregator-1", "clickhouse", "kafka"]

    again = mostread("down", "--data", str(data))
    assert (again.returncode, again.stdout) == (0, f"Nothing is running on {data}.\n")


def test_a_kafka_of_ones_own_is_used_and_none_is_started(tmp_path: Path, kafka: LocalKafka) -> None:
    ports = Ports(free_base())
    with up(
        tmp_path,
        ports.base,
        "--canary",
        MOSTREAD_KAFKA_BROKERS=kafka.brokers,
        MOSTREAD_KAFKA_TOPIC_PREFIX=f"up-{tmp_path.name}.",
    ) as running:
        assert "kafka" not in processes(tmp_path)
        assert readiness_error(f"http://127.0.0.1:{ports.canary}") == "", (
            "its event came all the way"
        )
        running.send_signal(signal.SIGINT)
        assert running.wait() == 0
    assert kafka.is_ready()


def test_a_service_that_cannot_start_ends_the_stack_with_its_reason(tmp_path: Path) -> None:
    (unused,) = free_ports(1)
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", unused))  # bound and not listening: connections are refused
        failed = subprocess.run(
            [*MOSTREAD, "up", "--data", str(tmp_path), "--ports", str(free_base())],
            env=os.environ
            | {
                "MOSTREAD_KAFKA_BROKERS": f"127.0.0.1:{unused}",
                "MOSTREAD_INIT_PARTITIONS": "0",
            },
            capture_output=True,
            text=True,
            check=False,
        )
    assert failed.returncode == 1
    assert "MOSTREAD_INIT_PARTITIONS" in failed.stderr
    assert not any(identity.is_alive() for identity in processes(tmp_path).values())


def test_down_on_a_folder_that_is_not_there_makes_none(tmp_path: Path) -> None:
    assert mostread("down", "--data", str(tmp_path / "none")).returncode == 0
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("option", ["--ports=0", "--workers=0", "--ports=70000"])
def test_impossible_options_are_refused(option: str) -> None:
    assert mostread("up", option).returncode == 2
