"""The Faust app: group membership, assignment, the two agents, commits."""

from typing import Any

import faust
import faust.streams
from faust.types import TP

from mostread.aggregator.article_writer import ArticleWriter
from mostread.aggregator.config import AggregatorSettings
from mostread.aggregator.retry import SupersededError
from mostread.aggregator.stream.transport import QuietMonitor, RecordListSchema, RecordListTransport
from mostread.aggregator.worker import Worker
from mostread.errors import Misconfigured


class App(faust.App):  # type: ignore[misc]
    """Faust without the folder that it makes for tables, of which there are none."""

    def _create_directories(self) -> None: ...


def _credentials(settings: AggregatorSettings) -> dict[str, Any]:
    """Return what kafka/connection.py tells other clients, as Faust takes it."""
    context = settings.kafka_tls.context() if settings.kafka_encrypts else None
    if settings.kafka_asks_for_user:
        return {
            "broker_credentials": faust.SASLCredentials(
                username=settings.kafka_username,
                password=settings.kafka_password.get_secret_value(),
                mechanism=settings.kafka_sasl_mechanism,
                ssl_context=context,
            )
        }
    return {"broker_credentials": faust.SSLCredentials(context)} if context else {}


def build(settings: AggregatorSettings, worker: Worker, articles: ArticleWriter) -> faust.App:
    """Return the app, ready to start. Raises Misconfigured where Faust has no C extension."""
    if faust.streams._CStreamIterator is None:
        raise Misconfigured(
            "faust-streaming lacks its C extension, without which it acknowledges what was not "
            "processed; install a wheel of it"
        )
    session = settings.aggregator_session_timeout_seconds
    app = App(
        settings.aggregator_group,
        broker=[f"kafka://{broker}" for broker in settings.bootstrap_servers],
        **_credentials(settings),
        store="memory://",
        autodiscover=False,
        key_serializer="raw",
        value_serializer="raw",
        web_enabled=False,
        Monitor=QuietMonitor,
        cython_optimizations=True,
        # An agent that failed must take the worker with it: restarted alone it would go on
        # behind the records it lost.
        agent_supervisor="mode.CrashingSupervisor",
        stream_wait_empty=True,
        # A message is a list of records here, as large as a fetch: few of them are much.
        stream_buffer_maxsize=8,
        broker_max_poll_records=2_000,
        consumer_max_fetch_size=4 << 20,
        broker_commit_interval=0.25,
        # How soon partitions that were added, or a topic made again, are noticed.
        consumer_metadata_max_age_ms=10_000,
        broker_session_timeout=session,
        broker_heartbeat_interval=session / 6,
        broker_rebalance_timeout=max(session, 30.0),
        # Beyond it aiokafka leaves the group and never comes back, so a long absence of
        # ClickHouse would be the end. Nothing else asks for a limit.
        broker_max_poll_interval=30 * 86_400,
        topic_disable_leader=True,
        topic_allow_declare=False,
        processing_guarantee="at_least_once",
    )
    app.transport = RecordListTransport(app.conf.broker_consumer, app)
    events = app.topic(settings.events_topic, schema=RecordListSchema())
    changes = app.topic(settings.articles_topic, schema=RecordListSchema())

    def generation() -> int:
        return int(app.consumer_generation_id)

    # Awaited before the partitions flow; on_partitions_assigned would not hold them back.
    @app.on_rebalance_complete.connect  # type: ignore[untyped-decorator]
    async def take_over(*_: Any, **__: Any) -> None:
        ours = [
            tp.partition for tp in app.consumer.assignment() if tp.topic == settings.events_topic
        ]
        starts = await worker.assign(ours, generation)
        app.transport.starts = {TP(settings.events_topic, n): at for n, at in starts.items()}

    @app.agent(events)  # type: ignore[untyped-decorator]
    async def count_events(stream: Any) -> None:
        async for event in stream.noack().events():
            message = event.message
            await worker.count(message.generation_id, message.partition, event.value, event)

    @app.agent(changes)  # type: ignore[untyped-decorator]
    async def write_articles(stream: Any) -> None:
        async for event in stream.noack().events():
            message = event.message
            try:
                await articles.write(
                    message.partition,
                    event.value,
                    lambda message=message: message.generation_id == generation(),  # type: ignore[misc]
                )
            except SupersededError:
                continue
            event.ack()

    app.finalize()
    return app
