"""The services as processes, and the counters in ClickHouse."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from kafka import KafkaConsumer, TopicPartition

from mostread.core.counting.batch import Outcomes
from mostread.core.records import LogRecord
from mostread.infra.clickhouse.client import connect
from mostread.infra.clickhouse.config import ClickHouseSettings
from mostread.infra.clickhouse.migrations import migrate
from mostread.infra.kafka import topics
from mostread.infra.kafka.config import KafkaSettings
from tests.support.servers import free_ports

TIMEOUT_SECONDS = 120


def wait_until(
    condition: Callable[[], object], what: str, seconds: float = TIMEOUT_SECONDS
) -> None:
    """Wait for a condition; fail the test with `what` after `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.05)


def listed(url: str, window: str) -> dict[str, tuple[int, int]]:
    """Return the articles of a list with their views in the window and in total."""
    address = f"{url}/v1/most-read?window={window}&limit=100"
    with urllib.request.urlopen(address, timeout=30) as response:
        items = json.loads(response.read())["items"]
    return {item["article_id"]: (item["window"]["views"], item["total"]["views"]) for item in items}


class Service:
    """`mostread <name>` as a process on a free port, which logs to a file."""

    program: Sequence[str] = ("-m", "mostread")
    """Arguments of Python before the name of the service."""

    arguments: Sequence[str] = ()
    """Arguments after the name."""

    def __init__(self, name: str, environment: Mapping[str, str], logs: Path) -> None:
        self.name = name
        self.port = free_ports(1)[0]
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = logs / f"{name}-{self.port}.log"
        self._environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("MOSTREAD_")},
            **environment,
            f"MOSTREAD_{name.upper()}_PORT": str(self.port),
        }
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, **environment: str) -> "Service":
        """Start the service; these settings also apply to later starts."""
        self._environment.update(environment)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, *self.program, self.name, *self.arguments],
                env=self._environment,
                stdout=log,
                stderr=log,
            )
        return self

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=5) as response:
                return bool(response.status == 200)
        except OSError:
            return False

    def ready(self) -> bool:
        """Return whether the service is ready; fail the test if it has ended."""
        assert self.running(), self.log.read_text()[-3000:]
        return self.is_ready()

    def wait_ready(self) -> "Service":
        wait_until(self.ready, f"{self.name} is ready; its log:\n{self.log.read_text()[-3000:]}")
        return self

    def failing(self) -> str:
        """Return the body of /readyz if the service is not ready, else an empty string."""
        try:
            urllib.request.urlopen(f"{self.url}/readyz", timeout=5).close()
        except urllib.error.HTTPError as error:
            with error:
                return error.read().decode()
        except urllib.error.URLError:
            pass  # not listening yet
        return ""

    def metric(self, sample: str) -> float:
        """Return the value of a sample of /metrics, named with its labels."""
        return self.samples()[sample]

    def sum(self, name: str) -> float:
        """Return the sum of a metric over all its labels."""
        return sum(v for sample, v in self.samples().items() if sample.partition("{")[0] == name)

    def samples(self) -> dict[str, float]:
        """Return the values of /metrics by sample."""
        with urllib.request.urlopen(f"{self.url}/metrics", timeout=5) as response:
            lines = response.read().decode().splitlines()
        split = (line.rpartition(" ") for line in lines if not line.startswith("#"))
        return {sample: float(value) for sample, _, value in split}

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """Terminate the service; return its exit code."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(TIMEOUT_SECONDS)


class ArticleSync(Service):
    """`mostread articles sync` as a process."""

    arguments = ("sync",)


def send(collector: Service, number: int) -> None:
    """Send a number of views to a collector, each of another article."""
    events = [{"type": "view", "article_id": f"a{each}"} for each in range(number)]
    request = urllib.request.Request(
        f"{collector.url}/v1/events", json.dumps(events).encode(), method="POST"
    )
    with urllib.request.urlopen(request, timeout=30) as response:
        assert json.loads(response.read())["accepted"] == number


class System:
    """Separate topics and a separate database on the shared servers, with services."""

    def __init__(self, brokers: str, clickhouse_url: str, name: str, directory: Path) -> None:
        self.directory = directory
        self.environment = {
            "MOSTREAD_KAFKA_BROKERS": brokers,
            "MOSTREAD_KAFKA_TOPIC_PREFIX": f"{name}.",
            "MOSTREAD_CLICKHOUSE_URL": clickhouse_url,
            "MOSTREAD_CLICKHOUSE_DATABASE": name,
            "MOSTREAD_AGGREGATOR_GROUP": name,
            "MOSTREAD_AGGREGATOR_SESSION_TIMEOUT_SECONDS": "6",
            # Few tests describe their articles.
            "MOSTREAD_RANKING_LISTED": "all",
        }
        self.kafka = KafkaSettings(kafka_brokers=brokers, kafka_topic_prefix=f"{name}.")
        self.clickhouse = ClickHouseSettings(
            clickhouse_url=clickhouse_url, clickhouse_database=name, clickhouse_timeout_seconds=60
        )
        self.services: list[Service] = []

    def init(self, partitions: int = 4, replication: int = 1) -> None:
        wanted = topics.configurations(
            self.kafka, partitions=partitions, replication=replication, retention_days=1
        )
        with topics.admin(self.kafka) as client:
            topics.create_missing(client, wanted)
        migrate(self.clickhouse)

    def service(self, name: str, **environment: str) -> Service:
        return self.started(Service(name, {**self.environment, **environment}, self.directory))

    def started(self, service: Service) -> Service:
        """Start a service, which ends with the system."""
        self.services.append(service)
        return service.start()

    def end(self) -> None:
        for service in self.services:
            if service.process is not None and service.process.poll() is None:
                service.kill()

    def log(self) -> dict[int, list[LogRecord]]:
        """Return all records of the events topic by partition, as a plain consumer reads them."""
        consumer = KafkaConsumer(
            bootstrap_servers=self.kafka.bootstrap_servers,
            enable_auto_commit=False,
            isolation_level="read_committed",
        )
        try:
            name = self.kafka.events_topic
            partitions = [TopicPartition(name, p) for p in consumer.partitions_for_topic(name)]
            ends = consumer.end_offsets(partitions)
            log: dict[int, list[LogRecord]] = {partition.partition: [] for partition in partitions}
            consumer.assign(partitions)
            consumer.seek_to_beginning(*partitions)
            while any(consumer.position(partition) < ends[partition] for partition in partitions):
                for partition, records in consumer.poll(timeout_ms=500, max_records=5000).items():
                    log[partition.partition] += [
                        LogRecord(r.offset, r.timestamp, r.value) for r in records
                    ]
            return log
        finally:
            consumer.close()

    def counters(self) -> dict[int, dict[tuple[str, str, int, str], tuple[int, int, int]]]:
        """Return all counters by partition, without those of which everything was taken back."""
        client = connect(self.clickhouse)
        rows = client.query(
            "SELECT partition, site, grain, toUnixTimestamp(window), article_id,"
            " views, comments, likes FROM counter_versions FINAL"
        ).result_rows
        client.close()
        counters: dict[int, dict[tuple[str, str, int, str], tuple[int, int, int]]] = {}
        for partition, site, grain, window, article, views, comments, likes in rows:
            counters.setdefault(partition, {})[site, grain, window, article] = (
                views,
                comments,
                likes,
            )
        return counters

    def outcomes(self) -> dict[int, dict[str, int]]:
        """Return the nonzero outcomes of events by partition."""
        client = connect(self.clickhouse)
        rows = client.query(
            "SELECT partition, received, counted, duplicate, late, dead_lettered, excluded"
            " FROM checkpoint_versions FINAL WHERE received > 0"
        ).result_rows
        client.close()
        return {
            row[0]: {name: number for name, number in vars(Outcomes(*row[1:])).items() if number}
            for row in rows
        }

    def counted(self) -> int:
        """Return the number of counted records."""
        client = connect(self.clickhouse)
        (row,) = client.query("SELECT sum(next_offset) FROM checkpoint_versions FINAL").result_rows
        client.close()
        return int(row[0])
