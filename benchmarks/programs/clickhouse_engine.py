"""The peer: ClickHouse's own Kafka engine with a materialised view, as its manual has it.

It counts lines into minutes and articles. It knows no duplicates, and after a crash it counts
a block again; what is measured is its speed. Brokers, topic, group and how
many consumers are arguments.
"""

import importlib
import importlib.util
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


def engine() -> Any:
    """Return the engine without what `import chdb` does first.

    That opens the engine once and closes it, and with it the pool in which the tables of the
    Kafka engine run: to create one then ends in "Shutdown was called".
    """
    spec = importlib.util.find_spec("chdb")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    package = types.ModuleType("chdb")
    package.__path__ = list(spec.submodule_search_locations)
    sys.modules["chdb"] = package
    # It looks for what belongs to it where it stands.
    os.chdir(package.__path__[0])
    return importlib.import_module("chdb._chdb")


def number(connection: Any, query: str) -> int:
    """Return the only number of an answer."""
    return int(connection.query(query, "TSV").bytes().decode().strip() or 0)


def say(what: str) -> None:
    """Tell the benchmark."""
    sys.stdout.write(f"{what}\n")
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
        # The first has all partitions until it hears, seconds later, that others have come. What
        # is counted by then is printed, so that the assignment does not count as work.
        while number(connection, ASSIGNED) < int(consumers):
            time.sleep(0.01)
        say(f"before {number(connection, COUNTED)}")
        say("partitions_assigned")
        signal.sigwait([signal.SIGTERM])
        say(f"counted {number(connection, COUNTED)}")
        sys.stdout.flush()
        # Its orderly end waits for the consumers' session to run out.
        os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
