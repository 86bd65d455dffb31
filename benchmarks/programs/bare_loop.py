"""Peer: mostread's counting on a plain aiokafka consumer, without Faust and a database.

Brokers, topic and group are arguments.
"""

import asyncio
import json
import signal
import sys
import time

import uvloop
from aiokafka import AIOKafkaConsumer

from mostread.core.counting.batch import AllowedLateness
from mostread.core.counting.partition import PartitionCounter

FLUSH_SECONDS = 1.0
COUNTERS = 400_000


async def count(brokers: str, topic: str, group: str) -> None:
    """Count until SIGTERM; rows are computed every second, and only totals kept."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=brokers,
        group_id=group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=4 << 20,
        fetch_max_wait_ms=25,
    )
    await consumer.start()  # returns when the partitions are assigned
    report("partitions_assigned")
    counts = {
        partition.partition: PartitionCounter(
            None,
            lateness=AllowedLateness(),
            counter_capacity=COUNTERS // len(consumer.assignment()),
        )
        for partition in consumer.assignment()
    }
    totals: dict[str, int] = {}
    flushed = time.monotonic()
    while not stop.is_set():
        for partition, records in (
            await consumer.getmany(timeout_ms=100, max_records=2000)
        ).items():
            counts[partition.partition].count(records)
        if time.monotonic() - flushed >= FLUSH_SECONDS:
            for each in counts.values():
                batch = each.close()
                for key, counter in batch.apply({}).counters if batch else ():
                    if key.grain == "total":
                        totals[key.article_id] = counter.views + counter.comments + counter.likes
            await consumer.commit()
            flushed = time.monotonic()
    report(f"counted {json.dumps(totals)}")
    await consumer.stop()


def report(line: str) -> None:
    """Print a line for the benchmark."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    uvloop.run(count(*sys.argv[1:]))
