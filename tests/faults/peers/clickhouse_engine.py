"""Peer: events counted by ClickHouse's Kafka engine. Brokers, topic, group, directory.

One process is one server with one consumer, as in a cluster of two; its table stays in `directory`.
"""

import json
import signal
import sys
from pathlib import Path

from benchmarks.programs.clickhouse_engine import TABLES, engine

COUNTED = (
    "SELECT article_id || ':' || type || ':' || toString(intDiv(toUnixTimestamp(minute), 60)),"
    " toUInt32(sum(events)) FROM bench.counted GROUP BY minute, article_id, type"
)


def main(brokers: str, topic: str, group: str, directory: str) -> None:
    """Count until SIGTERM; then print the table as JSON."""
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    where = Path(directory).resolve()  # before the engine changes the working directory
    connection = engine().connect(str(where))
    tables = TABLES.read_text().format(brokers=brokers, topic=topic, group=group, consumers=1)
    for statement in tables.split(";"):
        connection.query(statement, "TSV")
    signal.sigwait([signal.SIGTERM])
    # Ends the consumer in an orderly way: a block in progress is inserted and committed.
    connection.query("DETACH TABLE bench.queue SYNC", "TSV")
    rows = connection.query(COUNTED, "JSONCompactEachRow").bytes().decode().splitlines()
    sys.stdout.write(f"counted {json.dumps(dict(map(json.loads, rows)))}\n")
    sys.stdout.flush()
    connection.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
