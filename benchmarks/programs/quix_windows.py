"""Peer: Quix Streams with tumbling windows. Brokers, topic and group are arguments.

Records have no key, so Quix groups events by article through a topic of its own.
"""

import json
import sys
from collections import Counter

import orjson
from quixstreams import Application

brokers, topic, group = sys.argv[1:]
app = Application(brokers, consumer_group=group, auto_offset_reset="earliest", loglevel="WARNING")
counts: dict[tuple[str, int], int] = {}


def keep(window: dict[str, int], article_id: str, *_: object) -> None:
    counts[article_id, window["start"]] = window["value"]


(
    app.dataframe(app.topic(topic, value_deserializer="bytes"))
    .apply(lambda value: [orjson.loads(line) for line in value.splitlines()], expand=True)
    .set_timestamp(lambda event, *_: event["timestamp"])
    .group_by("article_id")
    .tumbling_window(60_000, grace_ms=30_000)
    .count()
    .current()
    .update(keep, metadata=True)
)

if __name__ == "__main__":
    app.run()
    # For the benchmark.
    articles: Counter[str] = Counter()
    for (article_id, _), number in counts.items():
        articles[article_id] += number
    sys.stdout.write(f"counted {json.dumps(articles)}\n")
