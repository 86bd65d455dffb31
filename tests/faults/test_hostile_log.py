"""Records of every kind that Kafka takes cost only themselves."""

import asyncio
import os
from collections import Counter as Tally
from contextlib import closing
from pathlib import Path

import pytest

from mostread.infra.clickhouse.client import connect
from tests.faults.hostile import Hostile
from tests.faults.log import any_time, ends
from tests.faults.raw_produce import batch, old_batch, produce_batch
from tests.faults.verdict import audit, is_counted
from tests.support.system import Service, System, wait_until

COUNT = int(os.environ.get("HOSTILE_RECORDS", "4000"))
PARTITIONS = 4
UNPACKED_LIMIT = 64 << 20
PEAK_BYTES = 1 << 30
"""Far above what a worker takes, far below what a log that it kept in memory would take."""


def counted_views(system: System) -> Tally[str]:
    """Return the total views of the good articles."""
    with closing(connect(system.clickhouse)) as client:
        rows = client.query(
            "SELECT article_id, toInt64(sum(views)) FROM counter_versions FINAL"
            " WHERE grain = 'total' AND startsWith(article_id, 'good-') GROUP BY article_id"
        ).result_rows
    return Tally(dict(rows))


def sums(system: System) -> tuple[int, ...]:
    """Return received events, the sum of their outcomes, offsets passed, and records lost."""
    with closing(connect(system.clickhouse)) as client:
        (row,) = client.query(
            "SELECT sum(received), sum(counted) + sum(duplicate) + sum(late) + sum(dead_lettered),"
            " sum(next_offset), sum(lost) FROM checkpoint_versions FINAL"
        ).result_rows
    return tuple(row)


def peak_bytes(worker: Service) -> int:
    """Return the most memory that a worker has taken."""
    (line,) = [
        line
        for line in Path(f"/proc/{worker.pid}/status").read_text().splitlines()
        if line.startswith("VmHWM:")
    ]
    return int(line.split()[1]) << 10


@pytest.mark.timeout(600 + COUNT // 50)
def test_hostile_log_costs_only_itself(system: System) -> None:
    workers = [system.service("aggregator", MOSTREAD_AGGREGATOR_SKIP_AFTER="3") for _ in range(2)]
    for worker in workers:
        worker.wait_ready()
    hostile = Hostile(system.kafka.kafka_brokers, system.kafka.events_topic, PARTITIONS, seed=1)

    async def write() -> None:
        await hostile.write(COUNT // 2)
        with any_time(system):
            await hostile.write_times()
        await hostile.write_bomb(UNPACKED_LIMIT - 1000, 0, "gzip")
        await hostile.write_bomb(UNPACKED_LIMIT - 1000, 1, "zstd")
        await hostile.write_bomb(UNPACKED_LIMIT + 1000, 2, "gzip")
        await hostile.write_bomb(10 * UNPACKED_LIMIT, 3, "zstd")
        await hostile.write(COUNT)

    asyncio.run(write())
    written = hostile.written
    wait_until(lambda: is_counted(system), "counting ends", 120 + COUNT / 100)
    assert counted_views(system) == written.views
    received, sum_of_outcomes, next_offset, lost = sums(system)
    assert received == sum_of_outcomes
    assert lost == 2, "the bombs beyond the limit"
    assert ends(system) == written.offsets, "the log holds nothing else"
    assert next_offset == written.offsets.total()
    code, output = audit(system)
    assert code == 0, output
    assert max(peak_bytes(worker) for worker in workers) < PEAK_BYTES
    assert [worker.stop() for worker in workers] == [0, 0]


VIEW = b'{"type":"view","article_id":"a"}'
_DAMAGED = bytearray(batch(VIEW))
_DAMAGED[-5] ^= 1

REFUSED = {
    "magic 0": old_batch(VIEW, 0),
    "magic 1": old_batch(VIEW, 1),
    "magic 3": batch(VIEW, magic=3),
    "wrong checksum": bytes(_DAMAGED),
    "unknown codec": batch(VIEW, codec=7),
    **{
        f"what is no {name}": batch(VIEW, codec=codec, payload=b"rubbish" * 9)
        for name, codec in (("gzip", 1), ("snappy", 2), ("lz4", 3), ("zstd", 4))
    },
    "records cut off": batch(VIEW, payload=b"\x40rubbish"),
    "half a batch": batch(VIEW)[:40],
}


def test_kafka_refuses_batches_that_nobody_can_read(system: System) -> None:
    """Such a batch comes into a log by damage only, for which `mostread skip` is."""
    brokers, topic = system.kafka.kafka_brokers, system.kafka.events_topic
    assert produce_batch(brokers, topic, 0, batch(VIEW)) == 0
    codes = {name: produce_batch(brokers, topic, 0, each) for name, each in REFUSED.items()}
    assert all(code != 0 for code in codes.values()), codes
    assert ends(system) == {0: 1, 1: 0, 2: 0, 3: 0}
