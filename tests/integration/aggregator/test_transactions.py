"""Transactions: committed records are counted, those of aborted and open ones are not."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Sequence

import orjson
import pytest
from aiokafka import AIOKafkaProducer

from mostread.infra.clickhouse.client import connect
from tests.support.system import System, wait_until

PARTITION = 1
"""All records go there, so that a transaction lies between others."""


def views(article: str, count: int) -> list[bytes]:
    return [
        orjson.dumps({"type": "view", "article_id": article, "id": f"{article}-{number}"})
        for number in range(count)
    ]


async def started(system: System, name: str | None = None) -> AIOKafkaProducer:
    producer = AIOKafkaProducer(
        bootstrap_servers=system.kafka.bootstrap_servers,
        transactional_id=name and f"{system.kafka.events_topic}-{name}",
        compression_type="gzip",
    )
    await producer.start()
    return producer


async def send(producer: AIOKafkaProducer, system: System, values: Sequence[bytes]) -> None:
    for value in values:
        await producer.send_and_wait(system.kafka.events_topic, value, partition=PARTITION)


def counted(system: System) -> dict[str, int]:
    client = connect(system.clickhouse)
    rows = client.query(
        "SELECT article_id, views FROM counter_versions FINAL WHERE grain = 'total'"
    ).result_rows
    client.close()
    return dict(rows)


@pytest.mark.parametrize("transport", ["fast", "stock"])
async def test_only_committed_records_are_counted(system: System, transport: str) -> None:
    plain = await started(system)
    producers = {name: await started(system, name) for name in ("one", "two", "three")}
    one, two, three = producers.values()
    try:
        for producer in producers.values():
            await producer.begin_transaction()
        # Interleaved: the batches of an aborted transaction lie between committed ones.
        for number in range(3):
            await send(one, system, views(f"committed-{number}", 2))
            await send(two, system, views(f"aborted-{number}", 2))
            await send(plain, system, views(f"plain-{number}", 2))
        await two.abort_transaction()
        await one.commit_transaction()
        expected = {f"{kind}-{n}": 2 for kind in ("committed", "plain") for n in range(3)}
        await send(three, system, views("late", 2))
        await send(plain, system, views("behind", 2))
        system.service("aggregator", MOSTREAD_AGGREGATOR_TRANSPORT=transport).wait_ready()
        wait_until(lambda: counted(system) == expected, "counted up to the open transaction")
        await two.begin_transaction()
        await send(two, system, views("aborted-again", 2))
        await two.abort_transaction()
        await three.commit_transaction()
        await send(plain, system, views("last", 1))
        expected |= {"late": 2, "behind": 2, "last": 1}
        wait_until(lambda: counted(system) == expected, "counted to the end")
        rebuild = [sys.executable, "-m", "mostread", "rebuild"]
        environment = {**os.environ, **system.environment}
        await asyncio.to_thread(subprocess.run, rebuild, env=environment, check=True, timeout=120)
        assert counted(system) == expected
    finally:
        for producer in (plain, *producers.values()):
            await producer.stop()
