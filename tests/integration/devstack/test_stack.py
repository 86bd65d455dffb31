"""`mostread up` and `mostread down` as processes."""

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

from mostread.devstack.data_dir import DataDir
from mostread.devstack.ports import Ports
from mostread.devstack.servers.kafka import LocalKafka
from mostread.infra.healthcheck import readiness_error
from tests.support.servers import free_base, free_ports

MOSTREAD = [sys.executable, "-m", "mostread"]
READY = "Stop with Ctrl-C"


def mostread(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*MOSTREAD, *arguments], capture_output=True, text=True, check=False)


@contextmanager
def up(data: Path, base: int, *options: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """A running stack, once it has printed that it is ready."""
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
            output: list[str] = []
            while not output or not output[-1].startswith(READY):
                output.append(process.stdout.readline())
                assert output[-1], f"it ended before it was ready: {''.join(output)}"
            yield process
        finally:
            process.terminate()
            process.communicate()


def processes(data: Path) -> dict[str, int]:
    """The process last started for each program, in the order of their first start."""
    events = map(json.loads, DataDir(data).log("supervisor").read_text().splitlines())
    return {
        event["process"]: event["pid"] for event in events if event["event"] == "process_started"
    }


def is_alive(pid: int) -> bool:
    """Return whether a process runs; one that only waits to be reaped does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def test_stack_from_up_to_down(tmp_path: Path) -> None:
    data, ports = tmp_path / "data", Ports(free_base())
    # Without a pool: a connection to a server that was killed would be a warning later.
    query = {"host": "127.0.0.1", "port": ports.clickhouse, "dedicated_pool": True}

    with up(data, ports.base) as first:
        stack = processes(data)
        assert list(stack) == ["clickhouse", "kafka", "aggregator-1", "collector", "ranking"]
        for port in (ports.ranking, ports.collector, *ports.aggregators):
            assert readiness_error(f"http://127.0.0.1:{port}") == ""

        # Without any setting in the environment.
        checked = mostread("doctor", "--data", str(data))
        assert checked.returncode == 0, checked.stdout
        assert f"; development stack at {data}\n" in checked.stdout
        assert "services: collector, aggregator, ranking are ready" in checked.stdout
        shown = mostread("status", "--data", str(data))
        assert shown.returncode == 0, shown.stdout
        assert f"http://127.0.0.1:{ports.collector}\n" in shown.stdout
        assert "127.0.0.1: partitions 0-7" in shown.stdout
        sent = mostread("loadgen", "--data", str(data), "--rate=50", "--duration=1")
        assert sent.returncode == 0, sent.stderr
        for command in (["audit"], ["dead-letters", "list"], ["import-totals", "--list"]):
            done = mostread(*command, "--data", str(data))
            assert done.returncode == 0, done.stderr
        listed = mostread("token", "list", "--data", str(data))
        assert f"local-editor\teditor\tall sites\tno expiry\t{data / 'tokens'}\n" in listed.stdout

        refused = mostread("up", "--data", str(data), "--ports", str(free_base()))
        assert refused.returncode == 1
        assert f"in use by a running `mostread up` (process {first.pid})" in refused.stderr
        taken = mostread("up", "--data", str(tmp_path / "other"), "--ports", str(ports.base))
        assert taken.returncode == 1
        assert f"port {ports.ranking} for ranking" in taken.stderr
        assert "--ports BASE" in taken.stderr

        os.kill(stack["collector"], signal.SIGKILL)
        while processes(data)["collector"] == stack["collector"]:
            time.sleep(0.05)
        while readiness_error(f"http://127.0.0.1:{ports.collector}"):
            time.sleep(0.05)
        with clickhouse_connect.get_client(**query) as client:
            client.command("CREATE TABLE default.kept (a UInt8) ENGINE = MergeTree ORDER BY a")
            client.command("INSERT INTO default.kept VALUES (7)")

        first.kill()  # its processes end by themselves, and the next `up` waits for that

    with up(data, ports.base) as second:
        with clickhouse_connect.get_client(**query) as client:
            assert client.command("SELECT a FROM default.kept") == 7
        stack = processes(data)
        ended = mostread("down", "--data", str(data))
        assert (ended.returncode, ended.stdout.splitlines()[-1]) == (0, "Stopped.")
        assert not any(map(is_alive, stack.values()))
        assert second.wait() == 0
        stopped = [
            json.loads(line)["process"]
            for line in DataDir(data).log("supervisor").read_text().splitlines()
            if '"process_stopping"' in line
        ]
        assert stopped == ["ranking", "collector", "aggregator-1", "kafka", "clickhouse"]

    again = mostread("down", "--data", str(data))
    assert (again.returncode, again.stdout) == (0, f"Nothing is running on {data}.\n")


def test_up_uses_the_kafka_of_the_environment(tmp_path: Path, kafka: LocalKafka) -> None:
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


def test_up_with_an_invalid_setting_stops_everything_and_names_it(tmp_path: Path) -> None:
    (unused,) = free_ports(1)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", unused))  # bound and not listening: connections are refused
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
    assert not any(map(is_alive, processes(tmp_path).values()))


def test_down_does_not_create_a_missing_directory(tmp_path: Path) -> None:
    assert mostread("down", "--data", str(tmp_path / "none")).returncode == 0
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("option", ["--ports=0", "--workers=0", "--ports=70000"])
def test_up_refuses_options_out_of_range(option: str) -> None:
    assert mostread("up", option).returncode == 2
