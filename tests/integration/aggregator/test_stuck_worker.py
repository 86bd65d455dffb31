"""The watchdog of a worker: it restarts once, and says why if that does not help."""

import json
import signal
from collections.abc import Iterator
from contextlib import closing, contextmanager
from urllib.parse import urlsplit

from kafka import KafkaProducer

from mostread.infra.kafka.config import client_options
from tests.faults.proxy import Proxy
from tests.support.servers import free_ports
from tests.support.system import Service, System, wait_until

SETTINGS = {
    "MOSTREAD_AGGREGATOR_WATCHDOG_SECONDS": "4",
    "MOSTREAD_AGGREGATOR_SHUTDOWN_TIMEOUT_SECONDS": "2",
}


class HangingWorker(Service):
    """A worker whose main thread sleeps for good once it gets SIGUSR1."""

    program = (
        "-c",
        "import signal, time; signal.signal(signal.SIGUSR1, lambda *_: time.sleep(86_400));"
        "from mostread.cli.main import main; main()",
    )


@contextmanager
def clickhouse_behind_proxy(system: System) -> Iterator[Proxy]:
    address = urlsplit(system.environment["MOSTREAD_CLICKHOUSE_URL"])
    assert address.port
    proxy = Proxy(free_ports(1)[0], address.port)
    proxy.start()
    try:
        yield proxy
    finally:
        proxy.stop()


def send_views(system: System, first: int, number: int) -> None:
    with closing(KafkaProducer(**client_options(system.kafka), acks="all")) as producer:
        for each in range(first, first + number):
            value = json.dumps({"type": "view", "article_id": "a", "id": f"e{each}"}).encode()
            producer.send(system.kafka.events_topic, value=value, partition=each % 4)
        producer.flush()


def is_counted(system: System, number: int) -> bool:
    outcomes = system.outcomes().values()
    return sum(each.get("counted", 0) for each in outcomes) == system.counted() == number


def test_worker_with_a_silent_clickhouse_restarts_once_then_says_why_until_it_writes(
    system: System,
) -> None:
    with clickhouse_behind_proxy(system) as proxy:
        worker = system.service(
            "aggregator",
            MOSTREAD_CLICKHOUSE_URL=f"http://127.0.0.1:{proxy.port}",
            MOSTREAD_CLICKHOUSE_TIMEOUT_SECONDS="3600",
            **SETTINGS,
        ).wait_ready()
        send_views(system, 0, 100)
        wait_until(lambda: is_counted(system, 100), "the first views are counted")
        proxy.stall()
        send_views(system, 100, 100)
        wait_until(lambda: '"watchdog_restarts"' in worker.log.read_text(), "it restarts")
        wait_until(lambda: "a restart has not helped" in worker.failing(), "it says why")
        assert "a call to clickhouse has not returned" in worker.failing()
        assert worker.metric("mostread_aggregator_stuck") == 1
        proxy.pass_on()
        wait_until(lambda: is_counted(system, 200), "every view is counted once")
        worker.wait_ready()
        assert worker.metric("mostread_aggregator_stuck") == 0
        log = worker.log.read_text()
        assert log.count('"watchdog_restarts"') == log.count('"watchdog_gave_up"') == 1
        assert '"watchdog_recovered"' in log


def test_worker_whose_event_loop_hangs_restarts_and_counts_on(system: System) -> None:
    worker = system.started(
        HangingWorker("aggregator", {**system.environment, **SETTINGS}, system.directory)
    ).wait_ready()
    send_views(system, 0, 100)
    wait_until(lambda: is_counted(system, 100), "the first views are counted")
    assert worker.process is not None
    worker.process.send_signal(signal.SIGUSR1)
    send_views(system, 100, 100)
    wait_until(lambda: is_counted(system, 200), "every view is counted once")
    worker.wait_ready()
    log = worker.log.read_text()
    assert log.count('"watchdog_restarts"') == 1
    assert "the event loop hangs in" in log
    assert '"watchdog_gave_up"' not in log
