"""Peer: ClickHouse's Kafka engine with a materialised view, as in its manual.

It counts lines by minute and article, without deduplication, and counts a block again after a
crash. Brokers, topic, group and number of consumers are arguments.
"""

import importlib
import importlib.util
import json
import os
import signal
import sys
import tempfile
import time
import types
from pathlib import Path
from typing import Any

TABLES = Path(__file__).with_suffix(".sql")
ASSIGNED = "SELECT countIf(notEmpty(assignments.partition_id)) FROM system.kafka_consumers"
COUNTED = "SELECT sum(events) FROM bench.counted"
ARTICLES = "SELECT article_id, toUInt32(sum(events)) FROM bench.counted GROUP BY article_id"


def engine() -> Any:
    """Import the engine without running `chdb/__init__.py`.

    That opens and closes the engine once, and with it the thread pool of the Kafka engine:
    creating such a table then fails with "Shutdown was called".
    """
    spec = importlib.util.find_spec("chdb")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    package = types.ModuleType("chdb")
    package.__path__ = list(spec.submodule_search_locations)
    sys.modules["chdb"] = package
    # It looks for its files in the working directory.
    os.chdir(package.__path__[0])
    return importlib.import_module("chdb._chdb")


def number(connection: Any, query: str) -> int:
    """Return the only number of a result."""
    return int(connection.query(query, "TSV").bytes().decode().strip() or 0)


def report(line: str) -> None:
    """Print a line for the benchmark."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(brokers: str, topic: str, group: str, consumers: str) -> None:
    """Count until SIGTERM. The offsets of a block are committed when its rows are visible."""
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    with tempfile.TemporaryDirectory() as directory:
        connection = engine().connect(str(Path(directory, "data")))
        tables = TABLES.read_text()
        filled = tables.format(brokers=brokers, topic=topic, group=group, consumers=consumers)
        for statement in filled.split(";"):
            connection.query(statement, "TSV")
        # The first consumer has all partitions until the others join, seconds later. The number
        # counted by then is printed, so that it does not count as work.
        while number(connection, ASSIGNED) < int(consumers):
            time.sleep(0.01)
        report(f"before {number(connection, COUNTED)}")
        report("partitions_assigned")
        signal.sigwait([signal.SIGTERM])
        rows = connection.query(ARTICLES, "JSONCompactEachRow").bytes().decode().splitlines()
        report(f"counted {json.dumps(dict(map(json.loads, rows)))}")
        sys.stdout.flush()
        # A clean shutdown would wait for the consumers' session timeout.
        os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
