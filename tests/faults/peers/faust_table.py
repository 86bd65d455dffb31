"""The peer: events counted into a Faust table, the usual way. Brokers, topic, group."""

import sys

import faust

brokers, topic_name, group = sys.argv[1:]
app = faust.App(
    group,
    broker=f"kafka://{brokers}",
    web_enabled=False,
    topic_partitions=4,
    # A worker that stands still is missed as soon as one of mostread's in the same schedule.
    broker_session_timeout=6,
    broker_heartbeat_interval=1,
)


class Event(faust.Record, serializer="json"):  # type: ignore[misc, call-arg]
    id: str
    type: str
    article_id: str
    timestamp: int


counts = app.Table("counts", default=int)
topic = app.topic(topic_name, key_type=str, value_type=Event)


@app.agent(topic)  # type: ignore[untyped-decorator]
async def count(stream: faust.Stream) -> None:
    async for event in stream:
        counts[f"{event.article_id}:{event.type}:{event.timestamp // 60000}"] += 1


if __name__ == "__main__":
    sys.argv[1:] = []
    app.finalize()
    faust.Worker(app, loglevel="WARN", redirect_stdouts=False).execute_from_commandline()
