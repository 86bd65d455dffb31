"""Targets of faults: Kafka behind a proxy with workers, and a complete mostread."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from clickhouse_connect.driver.client import Client

from mostread.devstack.servers.clickhouse import LocalClickHouse
from mostread.devstack.servers.kafka import LocalKafka
from mostread.infra.auth.tokens import hash_token
from tests.faults.proxy import Proxies, Proxy
from tests.faults.traffic import Traffic
from tests.faults.workers import Workers
from tests.support.kafka_cluster import Cluster, running_cluster
from tests.support.servers import connect, free_ports, running_clickhouse, running_kafka
from tests.support.system import Service, System

TOKEN = "token of a frontend"
SESSION_SECONDS = 6
DATABASE = "faults"


@dataclass
class Rig:
    """Kafka, the proxies by which everybody speaks to it, and the workers that count."""

    kafka: LocalKafka | Cluster
    kafka_line: Proxies
    workers: Workers
    topic: str

    def tend(self) -> None:
        """Start again what died by itself."""
        self.workers.tend()

    def wait(self, true: Callable[[], bool], what: str, seconds: float = 90) -> None:
        """Return when `true` is, looking after the processes meanwhile."""
        deadline = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
            self.tend()
            time.sleep(0.1)


@dataclass
class Mostread(Rig):
    """Collectors, workers, Kafka and ClickHouse, the latter two behind proxies."""

    system: System
    collectors: Workers
    clickhouse: LocalClickHouse
    clickhouse_line: Proxy
    traffic: Traffic
    missed: int = 0
    """How many faults waited in vain for their moment, as when another held everything up."""

    def tend(self) -> None:
        self.workers.tend()
        self.collectors.tend()

    def direct(self) -> Client:
        """Return a client of ClickHouse that goes round the proxy."""
        return connect(self.clickhouse, DATABASE)

    def wait_ready(self) -> None:
        """Wait until each service can do its work; fail with the reasons of those that cannot."""
        everything = [*self.workers.all(), *self.collectors.all()]
        services = [each for each in everything if isinstance(each, Service)]
        try:
            self.wait(lambda: all(each.is_ready() for each in services), "all services are ready")
        except AssertionError as error:
            for each in services:
                if not each.is_ready():
                    error.add_note(f"{each.name}: {each.failing() or 'no answer'}; its log:")
                    error.add_note(each.log.read_text()[-3000:])
            raise


@contextmanager
def line(target: int) -> Iterator[Proxy]:
    """A proxy before `target`."""
    proxy = Proxy(free_ports(1)[0], target)
    proxy.start()
    try:
        yield proxy
    finally:
        proxy.stop()


@contextmanager
def kafka_behind_proxy(
    directory: Path, brokers: int = 1
) -> Iterator[tuple[LocalKafka | Cluster, Proxies]]:
    """A broker that tells everybody to come to its proxy's port, or a cluster of such brokers."""
    with ExitStack() as stack:
        *ports, controller_port = free_ports(brokers + 1)
        proxies = Proxies([stack.enter_context(line(port)) for port in ports])
        advertised = [proxy.port for proxy in proxies.all]
        yield (
            stack.enter_context(running_kafka(directory, ports[0], controller_port, *advertised))
            if brokers == 1
            else stack.enter_context(running_cluster(directory, ports, advertised)),
            proxies,
        )


@contextmanager
def running_mostread(
    directory: Path,
    *,
    seed: int,
    rate: float = 1000,
    workers: int = 2,
    transport: str = "fast",
    brokers: int = 1,
) -> Iterator[Mostread]:
    """Everything of one's own, ready, with traffic that is not started yet."""
    with ExitStack() as stack:
        kafka, kafka_line = stack.enter_context(kafka_behind_proxy(directory / "kafka", brokers))
        port = free_ports(1)[0]
        clickhouse = stack.enter_context(running_clickhouse(directory / "clickhouse", port))
        clickhouse_line = stack.enter_context(line(port))
        url = f"http://127.0.0.1:{clickhouse_line.port}"
        system = System(kafka.brokers, url, DATABASE, directory)
        system.environment |= {
            "MOSTREAD_AGGREGATOR_TRANSPORT": transport,
            "MOSTREAD_AGGREGATOR_SESSION_TIMEOUT_SECONDS": str(SESSION_SECONDS),
            "MOSTREAD_AGGREGATOR_SHUTDOWN_TIMEOUT_SECONDS": "10",
            "MOSTREAD_AGGREGATOR_SKIP_AFTER": "3",
            "MOSTREAD_CLICKHOUSE_TIMEOUT_SECONDS": "10",
            "MOSTREAD_COLLECTOR_ACK_TIMEOUT_SECONDS": "4",
            "MOSTREAD_COLLECTOR_TOKENS": f"frontend:emit:{hash_token(TOKEN)}",
        }
        system.init(replication=brokers)
        stack.callback(system.end)
        collectors = Workers(lambda: system.service("collector"), 2)
        rig = Mostread(
            kafka=kafka,
            kafka_line=kafka_line,
            workers=Workers(lambda: system.service("aggregator"), workers),
            topic=system.kafka.events_topic,
            system=system,
            collectors=collectors,
            clickhouse=clickhouse,
            clickhouse_line=clickhouse_line,
            traffic=Traffic(
                [service.url for service in system.services if service.name == "collector"],
                TOKEN,
                seed=seed,
                rate=rate,
            ),
        )
        stack.callback(rig.traffic.abandon)
        rig.wait_ready()
        yield rig
