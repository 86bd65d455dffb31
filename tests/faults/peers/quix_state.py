"""Peer: events counted into Quix Streams' state. Brokers, topic, group."""

import sys
from typing import Any

from quixstreams import Application, State

brokers, topic, group = sys.argv[1:]
app = Application(
    brokers,
    consumer_group=group,
    auto_offset_reset="earliest",
    loglevel="WARNING",
    # A worker that stands still is missed as soon as one of mostread's in the same schedule.
    consumer_extra_config={"session.timeout.ms": 6_000, "heartbeat.interval.ms": 1_000},
)


def count(event: dict[str, Any], state: State) -> None:
    key = f"{event['article_id']}:{event['type']}:{event['timestamp'] // 60_000}"
    state.set(key, state.get(key, 0) + 1)


app.dataframe(app.topic(topic, value_deserializer="json")).update(count, stateful=True)

if __name__ == "__main__":
    app.run()
