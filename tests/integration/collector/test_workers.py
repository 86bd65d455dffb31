"""Several collector workers on one port: load, /readyz, /metrics, restart and shutdown."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from mostread.core.events import encode
from mostread.devstack.servers.kafka import LocalKafka
from tests.support.collector import Collecting, collecting, view
from tests.support.system import wait_until

WORKERS = 2


@pytest.fixture
def running(kafka: LocalKafka, tmp_path: Path) -> Iterator[Collecting]:
    with collecting(kafka.brokers, tmp_path, workers=str(WORKERS)) as collector:
        yield collector


def samples(collector: Collecting, name: str) -> dict[str, float]:
    """Return the value of a metric by worker, summed over its other labels."""
    with urllib.request.urlopen(f"{collector.url}/metrics", timeout=10) as answer:
        families = list(text_string_to_metric_families(answer.read().decode()))
    values: dict[str, float] = {}
    for sample in (sample for family in families for sample in family.samples):
        if sample.name == name:
            worker = sample.labels["worker"]
            values[worker] = values.get(worker, 0) + sample.value
    return values


async def post(url: str, names: list[str]) -> int:
    """Post events over a new connection."""
    body = b"\n".join(encode(view(name)) for name in names)
    async with (
        aiohttp.ClientSession() as http,
        http.post(f"{url}/v1/events", data=body) as answer,
    ):
        return answer.status


def workers_of(pid: int) -> list[int]:
    """Return the child processes of `pid` in the order of their start."""
    return [int(n) for n in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


async def test_workers_share_load_and_report_for_each_other(running: Collecting) -> None:
    sent = 0
    accepted: dict[str, float] = {}
    async with asyncio.timeout(60):
        while len([worker for worker, events in accepted.items() if events]) < WORKERS:
            names = [f"{sent}-{n}" for n in range(3)]
            assert await post(running.url, names) == 202
            sent += len(names)
            accepted = await asyncio.to_thread(samples, running, "mostread_collector_events_total")
    assert sum(accepted.values()) == sent
    assert len(await asyncio.to_thread(running.ids)) == sent
    memory = await asyncio.to_thread(samples, running, "process_resident_memory_bytes")
    assert sorted(memory) == ["1", "2"]
    ready = await asyncio.to_thread(urllib.request.urlopen, f"{running.url}/readyz")
    with ready:
        assert b'"worker 1":"ok","worker 2":"ok"' in ready.read()


async def test_dead_worker_is_reported_and_restarted(running: Collecting) -> None:
    first = workers_of(running.service.pid)
    os.kill(first[0], signal.SIGSTOP)  # it exists and does not respond
    try:
        responses: list[str] = []
        while not any("it does not answer" in response for response in responses):
            # The halted worker owns some of these connections.
            responses = await asyncio.gather(*(readyz(running.url) for _ in range(8)))
    finally:
        os.kill(first[0], signal.SIGKILL)
    await asyncio.to_thread(
        wait_until,
        lambda: len(set(workers_of(running.service.pid)) - {first[0]}) == WORKERS,
        "a new worker replaces it",
    )
    await asyncio.to_thread(running.service.wait_ready)
    assert "Unexpected exit from worker" in running.service.log.read_text()
    assert await post(running.url, ["afterwards"]) == 202


async def readyz(url: str) -> str:
    """Return the body of /readyz, or nothing without a response."""
    timeout = aiohttp.ClientTimeout(7)  # longer than a worker waits for another
    try:
        async with (
            aiohttp.ClientSession(url, timeout=timeout) as http,
            http.get("/readyz") as answer,
        ):
            return await answer.text()
    except TimeoutError:
        return ""


def test_workers_stop_together(running: Collecting) -> None:
    workers = workers_of(running.service.pid)
    assert len(workers) == WORKERS
    assert running.service.stop() == 0
    assert all(gone(pid) for pid in workers)
    log = running.service.log.read_text()
    assert log.count('"event":"stopped"') == WORKERS + 1


def test_workers_end_with_their_parent(running: Collecting) -> None:
    workers = workers_of(running.service.pid)
    running.service.kill()
    wait_until(lambda: all(gone(pid) for pid in workers), "the workers end")


def test_taken_port_is_an_error_despite_so_reuseport(kafka: LocalKafka, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        ended = subprocess.run(
            [sys.executable, "-m", "mostread", "collector"],
            env={
                **os.environ,
                "MOSTREAD_KAFKA_BROKERS": kafka.brokers,
                "MOSTREAD_COLLECTOR_PORT": port,
                "MOSTREAD_COLLECTOR_WORKERS": "2",
            },
            capture_output=True,
            check=False,
        )
    assert ended.returncode == 1
    assert f"cannot listen on 127.0.0.1:{port}" in ended.stderr.decode()
    assert "MOSTREAD_COLLECTOR_PORT" in ended.stderr.decode()
