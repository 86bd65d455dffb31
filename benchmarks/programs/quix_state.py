"""Peer: Quix Streams with its state store. Brokers, topic and group are arguments.

State belongs to a partition, which has all events of its articles, so nothing is regrouped.
"""

import json
import sys
from collections import Counter
from typing import Any

import orjson
from quixstreams import Application, State

brokers, topic, group = sys.argv[1:]
app = Application(brokers, consumer_group=group, auto_offset_reset="earliest", loglevel="WARNING")
counts: dict[str, int] = {}


def count(event: dict[str, Any], state: State) -> None:
    key = f"{event['article_id']}:{event['type']}:{event['timestamp'] // 60_000}"
    counts[key] = state.get(key, 0) + 1
    state.set(key, counts[key])


(
    app.dataframe(app.topic(topic, value_deserializer="bytes"))
    .apply(lambda value: [orjson.loads(line) for line in value.splitlines()], expand=True)
    .update(count, stateful=True)
)

if __name__ == "__main__":
    app.run()
    # For the benchmark.
    articles: Counter[str] = Counter()
    for key, number in counts.items():
        articles[key.partition(":")[0]] += number
    sys.stdout.write(f"counted {json.dumps(articles)}\n")
