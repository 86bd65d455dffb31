"""Peer: Pathway. Brokers, topic, group, events per record and `dedup` or `no-dedup` are arguments.

Its connector parses JSON records of one event; others are parsed by a function.
"""

import json
import os
import signal
import sys
import threading
from collections import Counter
from typing import Any

import orjson
import pathway as pw

brokers, topic, group, events_per_record, dedup = sys.argv[1:]
kafka = {"bootstrap.servers": brokers, "group.id": group, "auto.offset.reset": "earliest"}
counts: dict[tuple[str, int], int] = {}


class Event(pw.Schema):  # type: ignore[misc]
    event_id: str
    article_id: str
    timestamp: int


@pw.udf(deterministic=True)  # type: ignore[untyped-decorator]
def parse(value: bytes) -> list[tuple[str, str, int]]:
    parsed = map(orjson.loads, value.splitlines())
    return [(each["id"], each["article_id"], each["timestamp"]) for each in parsed]


if events_per_record == "1":
    events = pw.io.kafka.read(
        kafka, topic, schema=Event, format="json", json_field_paths={"event_id": "/id"}
    )
else:
    rows = pw.io.kafka.read(kafka, topic).select(row=parse(pw.this.data)).flatten(pw.this.row)
    names = enumerate(("event_id", "article_id", "timestamp"))
    events = rows.select(**{name: pw.this.row[index] for index, name in names})
if dedup == "dedup":
    events = events.groupby(pw.this.event_id).reduce(
        article_id=pw.reducers.any(pw.this.article_id), timestamp=pw.reducers.any(pw.this.timestamp)
    )
counted = (
    events.select(pw.this.article_id, minute=pw.this.timestamp // 60_000)
    .groupby(pw.this.article_id, pw.this.minute)
    .reduce(pw.this.article_id, pw.this.minute, events=pw.reducers.count())
)


def keep(key: object, row: dict[str, Any], time: int, is_addition: bool) -> None:
    if is_addition:
        counts[row["article_id"], row["minute"]] = row["events"]


# For the benchmark: progress, and the counts at the end.
def report(*_: object) -> None:
    sys.stdout.write(f"total {sum(counts.values())}\n")
    sys.stdout.flush()


pw.io.subscribe(counted, keep, on_time_end=report)

if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    options = {"monitoring_level": pw.MonitoringLevel.NONE}
    threading.Thread(target=pw.run, kwargs=options, daemon=True).start()
    signal.sigwait([signal.SIGTERM])
    articles: Counter[str] = Counter()
    for (article_id, _), number in counts.items():
        articles[article_id] += number
    sys.stdout.write(f"counted {json.dumps(articles)}\n")
    sys.stdout.flush()
    os._exit(0)  # the engine's threads run on
