"""The Faust app: a member of the consumer group of the events topic."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn, Protocol

import faust
import faust.streams
from aiokafka.errors import IllegalStateError
from faust.types import TP

from mostread.aggregator.config import AggregatorSettings
from mostread.aggregator.stream.assignment import (
    Assignment,
    KeyedRecord,
    Message,
    StockRecord,
    SupersededError,
)
from mostread.aggregator.stream.consumer import QuietMonitor, RawSchema
from mostread.aggregator.stream.fast_transport import FastTransport
from mostread.aggregator.stream.membership import (
    CHECK_SECONDS,
    has_new_partitions,
    refuse_to_replace,
)
from mostread.aggregator.stream.transports import choose_transport
from mostread.errors import Misconfigured, UnreadableBatch


class EventHandler(Protocol):
    """Counts the records of the events topic."""

    async def assign(self, assignment: Assignment) -> Mapping[int, int]:
        """Prepare to count, and return the first offset to read, by partition.

        A partition without one is stopped.
        """
        ...

    async def count(self, message: Message) -> None:
        """Count the message's records; acknowledge it once they are stored."""
        ...

    def stop(self, unreadable: UnreadableBatch, assignment: Assignment) -> None:
        """Leave a partition, which the stream no longer fetches.

        Everything before the batch was passed to `count`. EventStream.resume fetches it again.
        """
        ...


class EventStream:
    """Member of the consumer group that feeds the handler."""

    def __init__(self, settings: AggregatorSettings, events: EventHandler) -> None:
        """Build the app. Raises Misconfigured if Faust lacks its C extension."""
        self._app = _new_app(settings)
        self._settings = settings
        self._assignment = Assignment((), -1, self._generation)
        self._connect(settings, events)
        self._app.finalize()

    async def run(self) -> NoReturn:
        """Consume until the app fails, and raise why."""
        await self._app.start()
        watching = asyncio.create_task(self._watch_partitions())
        try:
            await self._app._crashed.wait()
        finally:
            watching.cancel()
        raise self._app._crash_reason or RuntimeError("Faust stopped without a reason")

    async def _watch_partitions(self) -> None:
        """Join again when the topic has new partitions; see stream/membership.py."""
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            group = self._settings.aggregator_group
            if await has_new_partitions(self._settings, group, self._settings.events_topic):
                thread = self._app.consumer._thread
                rejoin = thread._consumer._coordinator.request_rejoin
                thread.thread_loop.call_soon_threadsafe(rejoin)

    async def stop(self, *, discard: Callable[[], bool]) -> None:
        """Leave the group once every message is acknowledged.

        While `discard` returns true, drop messages without acknowledging them.
        """
        stopping = asyncio.create_task(self._app.stop())
        while not stopping.done():
            if discard():
                self._app.consumer.unacked.clear()
            await asyncio.wait({stopping}, timeout=0.2)
        await stopping

    async def resume(self, partition: int, offset: int, assignment: Assignment) -> None:
        """Fetch a stopped partition of the events topic again, from `offset` on.

        Raises SupersededError.
        """
        assignment.ensure_current()
        try:
            await self._app.consumer.restart(TP(self._settings.events_topic, partition), offset)
        except IllegalStateError as error:  # the partition was revoked meanwhile
            raise SupersededError from error

    def _connect(self, settings: AggregatorSettings, events: EventHandler) -> None:
        app = self._app
        event_topic = app.topic(settings.events_topic, schema=RawSchema())

        # Awaited before the partitions flow; on_partitions_assigned would not hold them back.
        @app.on_rebalance_complete.connect  # type: ignore[untyped-decorator]
        async def assign(*_: Any, **__: Any) -> None:
            refuse_to_replace(app.consumer._thread._consumer, settings)
            partitions = tuple(tp.partition for tp in app.consumer.assignment())
            self._assignment = Assignment(partitions, self._generation(), self._generation)
            starts = await events.assign(self._assignment)
            app.transport.starts = {TP(settings.events_topic, n): at for n, at in starts.items()}
            app.transport.stopped = {
                TP(settings.events_topic, n) for n in partitions if n not in starts
            }

        @app.agent(event_topic)  # type: ignore[untyped-decorator]
        async def count_events(stream: Any) -> None:
            async for event in stream.noack().events():
                message = self._message(event)
                if isinstance(event.value, UnreadableBatch):
                    app.consumer.unacked.discard(event.message)
                    events.stop(event.value, message.assignment)
                else:
                    await events.count(message)

    def _message(self, event: Any) -> Message:
        generation, assignment = event.message.generation_id, self._assignment
        if generation != assignment.generation:
            assignment = Assignment((), generation, self._generation)
        return Message(assignment, event.message.partition, _records(event), event.ack)

    def _generation(self) -> int:
        return int(self._app.consumer_generation_id)


def _records(event: Any) -> Sequence[KeyedRecord]:
    """Return the records of a message, which is one of them in the stock transport."""
    if isinstance(event.value, list):
        return event.value
    message = event.message
    time = round(message.timestamp * 1000)
    return [StockRecord(message.offset, time, message.value, message.key)]


class _App(faust.App):  # type: ignore[misc]
    """Faust without the directory for tables, which mostread does not use."""

    def _create_directories(self) -> None: ...


def _new_app(settings: AggregatorSettings) -> _App:
    if faust.streams._CStreamIterator is None:
        raise Misconfigured(
            "faust-streaming lacks its C extension, without which it acknowledges records that "
            "were not processed; install a binary wheel"
        )
    transport = choose_transport(settings.aggregator_transport)
    session = settings.aggregator_session_timeout_seconds
    app = _App(
        settings.aggregator_group,
        consumer_group_instance_id=settings.aggregator_instance_id or None,
        broker=[f"kafka://{broker}" for broker in settings.bootstrap_servers],
        **_credentials(settings),
        store="memory://",
        autodiscover=False,
        key_serializer="raw",
        value_serializer="raw",
        web_enabled=False,
        Monitor=QuietMonitor,
        cython_optimizations=True,
        # A failed agent must take the worker down: restarted alone it would continue after the
        # records that it lost.
        agent_supervisor="mode.CrashingSupervisor",
        stream_wait_empty=True,
        # A message of the fast transport is as large as a fetch: a few of them are a lot.
        stream_buffer_maxsize=8 if issubclass(transport, FastTransport) else 512,
        broker_max_poll_records=2_000,
        consumer_max_fetch_size=4 << 20,
        broker_commit_interval=0.25,
        # Detect added partitions and recreated topics within ten seconds.
        consumer_metadata_max_age_ms=10_000,
        broker_session_timeout=session,
        broker_heartbeat_interval=session / 6,
        broker_rebalance_timeout=max(session, 30.0),
        # Beyond this interval aiokafka leaves the group and never rejoins, so a long outage of
        # ClickHouse would end the worker. Nothing else needs a limit.
        broker_max_poll_interval=30 * 86_400,
        topic_disable_leader=True,
        topic_allow_declare=False,
        processing_guarantee="at_least_once",
    )
    app.transport = transport(app.conf.broker_consumer, app)
    return app


def _credentials(settings: AggregatorSettings) -> dict[str, Any]:
    """Return the options of infra.kafka.config.client_options in Faust's form."""
    context = settings.kafka_tls.context() if settings.kafka_encrypts else None
    if settings.kafka_uses_sasl:
        return {
            "broker_credentials": faust.SASLCredentials(
                username=settings.kafka_username,
                password=settings.kafka_password.get_secret_value(),
                mechanism=settings.kafka_sasl_mechanism,
                ssl_context=context,
            )
        }
    return {"broker_credentials": faust.SSLCredentials(context)} if context else {}
