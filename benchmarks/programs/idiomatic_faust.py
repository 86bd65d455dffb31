"""Peer: a Faust program written the usual way. Brokers, topic and group are arguments."""

import json
import sys
from collections import Counter

import faust

brokers, topic_name, group = sys.argv[1:]
app = faust.App(group, broker=f"kafka://{brokers}", web_enabled=False, topic_partitions=4)


class Event(faust.Record, serializer="json"):  # type: ignore[misc, call-arg]
    id: str
    type: str
    article_id: str
    timestamp: int
    visitor: str


counts = app.Table("counts", default=int)
topic = app.topic(topic_name, key_type=str, value_type=Event)


@app.agent(topic)  # type: ignore[untyped-decorator]
async def count(stream: faust.Stream) -> None:
    async for event in stream:
        counts[f"{event.article_id}:{event.type}:{event.timestamp // 60000}"] += 1


# For the benchmark: it measures from here, and reads the counts at the end.
@app.on_rebalance_complete.connect  # type: ignore[untyped-decorator]
async def report_assignment(*_: object, **__: object) -> None:
    sys.stdout.write("partitions_assigned\n")
    sys.stdout.flush()


@app.on_before_shutdown.connect  # type: ignore[untyped-decorator]
async def report_count(*_: object, **__: object) -> None:
    articles: Counter[str] = Counter()
    for key, number in counts.items():
        articles[key.partition(":")[0]] += number
    sys.stdout.write(f"counted {json.dumps(articles)}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.argv[1:] = []
    app.finalize()
    faust.Worker(app, loglevel="WARN", redirect_stdouts=False).execute_from_commandline()
