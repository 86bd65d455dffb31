"""Run collectors under load: events over HTTP from many clients, for some seconds."""

import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks import cpu, http_load
from benchmarks.contestant import Sampler, Servers
from tests.support.servers import free_ports
from tests.support.system import System, wait_until

_PROGRAMS = Path(__file__).with_name("programs")

# The load comes from loopback, which is exempt by default; it should cost as much as readers.
_LIMITED = {
    "MOSTREAD_COLLECTOR_SITES": "default",
    "MOSTREAD_COLLECTOR_RATE_LIMIT_EXEMPT_NETWORKS": "",
    "MOSTREAD_COLLECTOR_RATE_LIMIT_PER_ADDRESS_HOUR": "10000000000",
    "MOSTREAD_COLLECTOR_RATE_LIMIT_PER_VISITOR_HOUR": "10000000000",
}

Started = AbstractContextManager[tuple[str, int]]
"""A listening collector: its URL and process id."""


@dataclass(frozen=True)
class Collector:
    """A collector and its load.

    One that is not `durable` stores nothing; one that is `overloaded` may reject requests.
    """

    name: str
    start: Callable[[System], Started]
    events_per_request: int
    connections: int
    durable: bool = True
    overloaded: bool = False


@dataclass(frozen=True)
class CollectorResult:
    """Events that a collector accepted: `acknowledged` with 202, `kept` in Kafka.

    Events in flight when the clients stopped are kept but not acknowledged.
    """

    events_per_second: float
    events_per_core_second: float
    p99_ms: float
    acknowledged: int
    kept: int
    refused_per_second: float = 0


def measure(
    servers: Servers, collector: Collector, seconds: float, *, sampler: Sampler = nullcontext
) -> CollectorResult:
    """Send events to a collector, which has a topic of its own.

    `sampler` is entered with the process id while the load lasts.
    """
    with tempfile.TemporaryDirectory() as directory:
        name = f"collect_{time.time_ns()}"
        system = System(servers.brokers, servers.clickhouse_url, name, Path(directory))
        system.init()
        size, connections = collector.events_per_request, collector.connections
        try:
            with collector.start(system) as (url, pid), sampler(pid):
                before = cpu.used(pid)
                load = http_load.run(
                    f"{url}/v1/events",
                    events=size,
                    connections=connections,
                    seconds=seconds,
                    may_refuse=collector.overloaded,
                )
                used = cpu.used(pid) - before
        finally:
            system.end()
        accepted = load.requests - load.refused
        events = accepted * size
        kept = _kept(system)
        assert not collector.durable or events <= kept <= events + connections * size, (
            f"{collector.name} acknowledged {events} events and kept {kept}"
        )
        return CollectorResult(
            events_per_second=events / load.seconds,
            events_per_core_second=events / used,
            p99_ms=load.p99 / 1000,
            acknowledged=events,
            kept=kept,
            refused_per_second=load.refused / load.seconds,
        )


def _kept(system: System) -> int:
    return sum(
        record.value.rstrip(b"\n").count(b"\n") + 1
        for records in system.log().values()
        for record in records
        if record.value
    )


@contextmanager
def no_op(_: System) -> Iterator[tuple[str, int]]:
    """Run the no-op collector, the limit of aiohttp."""
    with program("no_op") as address:
        yield address


@contextmanager
def fastapi(system: System) -> Iterator[tuple[str, int]]:
    """Run the usual collector with FastAPI."""
    kafka = system.kafka
    with program("fastapi_collector", kafka.kafka_brokers, kafka.events_topic) as address:
        yield address


@contextmanager
def mostread(system: System, workers: int = 1) -> Iterator[tuple[str, int]]:
    """Run mostread's collector."""
    settings = {**_LIMITED, "MOSTREAD_COLLECTOR_WORKERS": str(workers)}
    service = system.service("collector", **settings).wait_ready()
    assert service.process is not None
    yield service.url, service.process.pid
    assert service.stop() == 0


@contextmanager
def program(name: str, *arguments: str) -> Iterator[tuple[str, int]]:
    """Run `programs/<name>.py PORT ...`."""
    port = free_ports(1)[0]
    program = str(_PROGRAMS / f"{name}.py")
    process = subprocess.Popen([sys.executable, program, str(port), *arguments])
    try:
        wait_until(lambda: _listens(process, port), f"{name} listens")
        yield f"http://127.0.0.1:{port}", process.pid
    finally:
        process.terminate()
        process.wait(60)


def _listens(process: subprocess.Popen[bytes], port: int) -> bool:
    assert process.poll() is None, "the collector ended early"
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


MOSTREAD_COLLECTORS = [
    Collector("mostread", mostread, 1, 1000),
    Collector("mostread, 200 events per request", mostread, 200, 32),
]
COLLECTORS = [
    Collector("FastAPI + kafka-python, each acknowledgement awaited", fastapi, 1, 1000),
    Collector("aiohttp no-op", no_op, 1, 1000, durable=False),
    *MOSTREAD_COLLECTORS,
    Collector(
        "mostread, three times the limit of requests in flight", mostread, 1, 3000, overloaded=True
    ),
    Collector("mostread, two workers on one port", partial(mostread, workers=2), 1, 1000),
]
