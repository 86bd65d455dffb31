"""Run mostread's aggregators until rows are written and offsets committed."""

import dataclasses
import tempfile
import time
from contextlib import nullcontext
from pathlib import Path

from benchmarks import committed
from benchmarks.contestant import Measured, Sampler, Servers
from benchmarks.log import Log
from mostread.infra.clickhouse.client import connect
from tests.support.system import System


def run(
    servers: Servers, log: Log, *, workers: int = 1, sampler: Sampler = nullcontext
) -> Measured:
    """Count `log` into a new database.

    `memory` is that of the first worker, and `sampler` is entered with its process id.
    """
    with tempfile.TemporaryDirectory() as directory:
        name = f"bench_{time.time_ns()}"
        system = System(servers.brokers, servers.clickhouse_url, name, Path(directory))
        # Other contestants read the log too; only the database and the group are separate.
        system.kafka = log.kafka
        system.environment["MOSTREAD_KAFKA_TOPIC_PREFIX"] = log.kafka.kafka_topic_prefix
        system.init()
        try:
            return _count(system, log, workers, sampler)
        finally:
            system.end()
            client = connect(system.clickhouse)
            client.command(f"DROP DATABASE {name} SYNC")
            client.close()


def _count(system: System, log: Log, workers: int, sampler: Sampler) -> Measured:
    started = [system.service("aggregator") for _ in range(workers)]
    first = started[0]
    assert first.process is not None
    name = system.environment["MOSTREAD_AGGREGATOR_GROUP"]
    with sampler(first.process.pid), committed.group(log, name) as group:
        measured = committed.watch(
            log,
            first.process.pid,
            assigned=committed.logs_assignment(first.log),
            finished=group.has_committed,
        )
    assert [worker.stop() for worker in started] == [0] * workers
    client = connect(system.clickhouse)
    counted = client.query(
        "SELECT article_id, sum(views + comments + likes) FROM counter_versions FINAL"
        " WHERE grain = 'total' GROUP BY article_id"
    )
    client.close()
    return dataclasses.replace(measured, wrong=log.wrong(dict(counted.result_rows)))
