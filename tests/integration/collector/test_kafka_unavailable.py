"""The collector while Kafka is unavailable, under overload, and during shutdown."""

import asyncio
import itertools
import os
import signal
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest
from kafka.admin import ConfigResource, ConfigResourceType

from mostread.core.events import Event, encode
from mostread.devstack.servers.kafka import LocalKafka
from mostread.infra.kafka import topics
from mostread.ops.loadgen.runner import HttpSender
from mostread.ops.loadgen.traffic import SimulatedTraffic
from tests.support.collector import Collecting, collecting, view
from tests.support.servers import running_kafka
from tests.support.system import wait_until


@pytest.fixture
def own_kafka(tmp_path: Path) -> Iterator[LocalKafka]:
    """A broker for one test, which kills it."""
    with running_kafka(tmp_path / "kafka") as server:
        yield server


async def status_of(http: aiohttp.ClientSession, event: Event) -> tuple[int, str, str]:
    """Post one event; return status, problem type and Retry-After."""
    async with http.post("/v1/events", data=encode(event)) as response:
        problem = await response.json(content_type=None)
        retry_after = response.headers.get("Retry-After", "")
        return response.status, problem.get("type", "").rpartition(":")[2], retry_after


async def test_kafka_outage_gives_503_and_loses_no_acknowledged_event(
    own_kafka: LocalKafka, tmp_path: Path
) -> None:
    with collecting(
        own_kafka.brokers, tmp_path, ack_timeout_seconds="3", kafka_liveness_timeout_seconds="1"
    ) as collector:
        traffic = SimulatedTraffic(["a", "b", "c"], seed=1)
        acknowledged: list[str] = []
        stop = asyncio.Event()
        async with aiohttp.ClientSession(collector.url) as http:
            sender = HttpSender(http, collector.url)

            async def client() -> None:
                while not stop.is_set():
                    batch = traffic.batch(1_795_461_787_364)
                    assert (await sender.send(batch)).accepted == len(batch)
                    acknowledged.extend(event.id for event in batch)

            clients = [asyncio.create_task(client()) for _ in range(8)]
            await asyncio.sleep(1)
            await asyncio.to_thread(own_kafka.kill)
            await asyncio.to_thread(
                wait_until, lambda: "kafka" in failing(collector), "the outage is noticed"
            )
            refused = await status_of(http, view("refused"))
            assert refused == (503, "kafka-unavailable", "2")
            async with http.get("/v1/pixel.gif?article_id=a") as answer:
                assert (answer.status, answer.headers["Retry-After"]) == (503, "2")
                assert (await answer.read())[:6] == b"GIF89a"
            await asyncio.sleep(
                4
            )  # longer than the acknowledgement timeout, so records in flight fail
            await asyncio.to_thread(own_kafka.start)
            before = len(acknowledged)
            await asyncio.to_thread(
                wait_until, lambda: len(acknowledged) > before + 100, "delivery continues"
            )
            stop.set()
            await asyncio.gather(*clients)
            assert (await status_of(http, view("after")))[0] == 202
        ids = await asyncio.to_thread(collector.ids)
        assert set(acknowledged) <= set(ids)
        assert "refused" not in ids
        assert "after" in ids


async def test_collector_starts_before_kafka_and_its_topics(
    own_kafka: LocalKafka, tmp_path: Path
) -> None:
    collector = Collecting(own_kafka.brokers, tmp_path)
    await asyncio.to_thread(own_kafka.kill)
    collector.start()
    try:
        await asyncio.to_thread(
            wait_until, lambda: "no broker answers" in failing(collector), "it reports the reason"
        )
        async with aiohttp.ClientSession(collector.url) as http:
            assert (await status_of(http, view("early")))[0] == 503
            await asyncio.to_thread(own_kafka.start)
            await asyncio.to_thread(
                wait_until,
                lambda: "mostread init" in failing(collector),
                "it reports missing topics",
            )
            await asyncio.to_thread(collector.init)
            await asyncio.to_thread(collector.service.wait_ready)
            assert (await status_of(http, view("late")))[0] == 202
        assert await asyncio.to_thread(collector.ids) == ["late"]
    finally:
        assert collector.service.stop() == 0


async def test_frozen_broker_does_not_exceed_max_inflight_bytes(
    own_kafka: LocalKafka, tmp_path: Path
) -> None:
    limit = 4 << 20
    with collecting(
        own_kafka.brokers,
        tmp_path,
        max_inflight_bytes=str(limit),
        # Long enough for a slow machine to see all requests before the first one fails.
        ack_timeout_seconds="10",
        kafka_liveness_timeout_seconds="60",
    ) as collector:
        assert own_kafka.pid is not None
        async with aiohttp.ClientSession(collector.url) as http:
            os.kill(own_kafka.pid, signal.SIGSTOP)
            try:
                body = b"\n".join(
                    encode(view(f"full-{n}", f"{n}-" + "x" * 100)) for n in range(1000)
                )

                async def full() -> str:
                    async with http.post("/v1/events", data=body) as response:
                        problem = await response.json(content_type=None)
                        return str(problem["type"].rpartition(":")[2])

                requests = [asyncio.create_task(full()) for _ in range(40)]
                await asyncio.to_thread(
                    wait_until, lambda: inflight_bytes(collector) > limit / 2, "it fills"
                )
                inflight = await asyncio.to_thread(inflight_bytes, collector)
                answers = await asyncio.gather(*requests)
            finally:
                os.kill(own_kafka.pid, signal.SIGCONT)
            assert inflight <= limit
            assert set(answers) == {"outcome-unknown", "overloaded"}
            assert answers.count("outcome-unknown") == limit // (len(body) + 1)
            await asyncio.to_thread(collector.service.wait_ready)
            await asyncio.to_thread(
                wait_until,
                lambda: not inflight_bytes(collector),
                "the producer releases all records",
            )
            # A producer whose records expired may have to be replaced first.
            for _ in range(100):
                status, _, _ = await status_of(http, view("after"))
                if status == 202:
                    break
                assert status == 503
                await asyncio.sleep(0.1)
            assert status == 202


def failing(collector: Collecting) -> str:
    """Return the errors in /readyz, or nothing while the collector does not listen."""
    try:
        return collector.service.failing()
    except urllib.error.URLError:
        return ""


def inflight_bytes(collector: Collecting) -> float:
    return collector.service.metric("mostread_collector_inflight_bytes")


async def test_sigterm_answers_accepted_requests(kafka: LocalKafka, tmp_path: Path) -> None:
    with collecting(kafka.brokers, tmp_path, linger_ms="200") as collector:
        acknowledged: list[str] = []

        async def client(http: aiohttp.ClientSession, number: int) -> None:
            turn = 0
            while True:
                name = f"{number}-{turn}"
                try:
                    status, _, _ = await status_of(http, view(name))
                except aiohttp.ClientConnectionError:
                    return  # the collector has stopped
                assert status == 202
                acknowledged.append(name)
                turn += 1

        async with aiohttp.ClientSession(collector.url) as http:
            clients = [asyncio.create_task(client(http, number)) for number in range(50)]
            await asyncio.to_thread(wait_until, lambda: len(acknowledged) > 200, "it is busy")
            assert await asyncio.to_thread(collector.service.stop) == 0
            await asyncio.gather(*clients)
        ids = await asyncio.to_thread(collector.ids)
        assert set(acknowledged) <= set(ids)
        # Every event in Kafka was answered: shutdown closed no waiting connection.
        assert sorted(acknowledged) == ids


async def test_fatal_producer_error_replaces_the_producer(
    kafka: LocalKafka, tmp_path: Path
) -> None:
    with collecting(kafka.brokers, tmp_path, kafka_liveness_timeout_seconds="1") as collector:
        async with aiohttp.ClientSession(collector.url) as http:
            accepted = []

            async def send_until(status: int, name: str) -> str:
                """Send views until one gets this status: a new limit takes effect with a delay."""
                for number in itertools.count():
                    event = view(f"{name}-{number}")
                    answered, problem, _ = await status_of(http, event)
                    if answered == 202:
                        accepted.append(event.id)
                    if answered == status:
                        return problem
                    assert number < 500, f"never answered with {status}"
                    await asyncio.sleep(0.1)
                raise AssertionError

            await send_until(202, "before")
            # If the broker refuses records of this size, the producer fails permanently.
            await asyncio.to_thread(limit_records, collector, 50)
            assert await send_until(503, "refused") == "outcome-unknown"
            await asyncio.to_thread(limit_records, collector, 2 << 20)
            await send_until(202, "after")
        assert "producer_replaced" in collector.service.log.read_text()
        assert await asyncio.to_thread(collector.ids) == sorted(accepted)


def limit_records(collector: Collecting, size: int) -> None:
    with topics.admin(collector.kafka) as client:
        resource = ConfigResource(
            ConfigResourceType.TOPIC, collector.kafka.events_topic, {"max.message.bytes": str(size)}
        )
        client.alter_configs([resource])
