"""SIGTERM: what is under way is answered, nothing acknowledged is lost, and the service ends."""

import http.client
import os
import signal
import ssl
import threading
from pathlib import Path

from mostread.core.events import encode
from mostread.devstack.servers.kafka import LocalKafka
from mostread.infra.http.server import STOP_GRACE_SECONDS
from tests.abuse.raw import Raw, post
from tests.support.collector import Collecting, collecting, view
from tests.support.nginx import COLLECTORS, Nginx, proxying
from tests.support.system import Service, System, wait_until

WAITING = 10
KILLED_AFTER_SECONDS = STOP_GRACE_SECONDS + 5
"""The default grace period of Kubernetes."""


def request(name: str) -> bytes:
    return post(encode(view(name)))


def terminate(service: Service) -> None:
    os.kill(service.pid, signal.SIGTERM)


def exit_code(service: Service) -> int:
    assert service.process is not None
    return service.process.wait(KILLED_AFTER_SECONDS)


def test_stopping_collector_answers_requests_under_way(kafka: LocalKafka, tmp_path: Path) -> None:
    assert kafka.pid is not None
    with collecting(
        kafka.brokers, tmp_path, ack_timeout_seconds="20", kafka_liveness_timeout_seconds="120"
    ) as collector:
        port = collector.service.port
        kept = Raw(port, request("kept"))
        assert kept.answer().status == 202
        silent = Raw(port)
        endless, slow = Raw(port, request("endless")[:-20]), Raw(port, request("slow")[:-20])
        os.kill(kafka.pid, signal.SIGSTOP)
        try:
            waiting = [Raw(port, request(f"waiting-{n}")) for n in range(WAITING)]
            wait_until(
                lambda: collector.metric("mostread_collector_inflight_requests") == WAITING,
                "they wait",
            )
            terminate(collector.service)
            assert silent.ended()
            assert kept.ended()
        finally:
            os.kill(kafka.pid, signal.SIGCONT)
        assert [each.answer().status for each in waiting] == [202] * WAITING
        slow.send(request("slow")[-20:])
        assert slow.answer().status == 202
        answer = endless.answer()
        assert (answer.status, b"urn:mostread:problem:overloaded" in answer.body) == (503, True)
        assert exit_code(collector.service) == 0
        assert collector.ids() == sorted(
            ["kept", "slow", *(f"waiting-{n}" for n in range(WAITING))]
        )
        assert "Traceback" not in collector.service.log.read_text()
        for each in (kept, silent, endless, slow, *waiting):
            each.close()


def test_stopping_ranking_ends_streams(system: System) -> None:
    ranking = system.service("ranking").wait_ready()
    kept = Raw(ranking.port, b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
    assert kept.answer().status == 200
    silent = Raw(ranking.port)
    streams = [Raw(ranking.port, b"GET /v1/stream HTTP/1.1\r\nHost: a\r\n\r\n") for _ in range(20)]
    wait_until(lambda: ranking.metric("mostread_ranking_stream_clients") == 20, "they stream")
    terminate(ranking)
    for stream in streams:
        assert stream.answer().status == 200
        # The last chunk is there: the response is complete, not cut off.
        assert stream.rest().endswith(b"\r\n0\r\n\r\n")
    assert kept.ended()
    assert silent.ended()
    assert exit_code(ranking) == 0
    assert "Traceback" not in ranking.log.read_text()
    for each in (kept, silent, *streams):
        each.close()


class Client(threading.Thread):
    """Sends one event after the other over a kept connection, until `stop`."""

    def __init__(self, nginx: Nginx, number: int, stop: threading.Event) -> None:
        super().__init__()
        self._number = number
        self._stop_sending = stop
        context = ssl.create_default_context(cafile=nginx.authority)
        context.check_hostname = False  # it connects to an address
        self._connection = http.client.HTTPSConnection(
            "127.0.0.1", nginx.port, timeout=60, context=context
        )
        self.accepted: list[str] = []
        self.failed: list[str] = []

    def run(self) -> None:
        sent = 0
        while not self._stop_sending.is_set():
            name = f"{self._number}-{sent}"
            sent += 1
            try:
                self._connection.request(
                    "POST",
                    "/v1/events",
                    encode(view(name, f"article-{self._number}")),
                    {"Host": COLLECTORS, "User-Agent": "raw"},
                )
                response = self._connection.getresponse()
                body = response.read()
            except OSError as error:
                self.failed.append(f"{name}: {error!r}")
                return
            if response.status == 202:
                self.accepted.append(name)
            else:
                self.failed.append(f"{name}: {response.status} {body!r}")
        self._connection.close()


def test_rolling_restarts_behind_nginx_lose_no_request(kafka: LocalKafka, tmp_path: Path) -> None:
    first = Collecting(kafka.brokers, tmp_path)
    first.init()
    second = Collecting(kafka.brokers, tmp_path)
    second.kafka = first.kafka
    try:
        for collector in (first, second):
            collector.start()
            collector.service.wait_ready()
        ports = [first.service.port, second.service.port]
        stop = threading.Event()
        with proxying(tmp_path, ports) as nginx:
            clients = [Client(nginx, number, stop) for number in range(16)]
            for client in clients:
                client.start()
            try:
                for _ in range(3):
                    for collector in (first, second):
                        terminate(collector.service)
                        assert exit_code(collector.service) == 0
                        collector.service.start().wait_ready()
            finally:
                stop.set()
                for client in clients:
                    client.join()
        assert [failure for client in clients for failure in client.failed] == []
        accepted = sorted(name for client in clients for name in client.accepted)
        assert len(accepted) > 100
        # nginx may have sent a request twice: the aggregator counts an id once.
        assert sorted(set(first.ids())) == accepted
    finally:
        for collector in (first, second):
            collector.service.stop()
