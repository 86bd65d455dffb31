"""Blocking calls of the producer: connect, check the broker, close."""

import contextlib

from kafka import KafkaAdminClient, KafkaProducer
from kafka.errors import KafkaError

from mostread.collector.config import CollectorSettings
from mostread.infra.kafka.admin import WRITE, check_topic_access
from mostread.infra.kafka.config import client_options
from mostread.infra.kafka.errors import check_access, translate_error
from mostread.infra.kafka.topics import EVENT_BYTES, Admin


class BrokerMonitor:
    """Connects to Kafka and checks that it responds. For one thread at a time.

    Checks use a connection of their own, so that responses do not queue behind records.
    """

    def __init__(self, settings: CollectorSettings) -> None:
        self._settings = settings
        self._admin: KafkaAdminClient | None = None

    def connect(self) -> KafkaProducer:
        """Return a new producer.

        Raises KafkaUnavailable after five seconds without a broker, and Misconfigured if client
        or broker rejects the other's credentials.
        """
        check_access(self._settings)
        try:
            return new_producer(self._settings)
        except (KafkaError, OSError) as error:
            raise translate_error(error, self._settings) from error

    def check(self, producer: KafkaProducer) -> int:
        """Return the number of partitions of the events topic that `producer` knows.

        Raises KafkaUnavailable if no broker responds within seconds, and Misconfigured if a topic
        or the permission to write to it is missing.
        """
        unavailable = f"no broker answers at {self._settings.kafka_brokers}"
        topics = [self._settings.events_topic, self._settings.articles_topic]
        try:
            if self._admin is None:
                self._admin = Admin(
                    **client_options(self._settings),
                    client_id="mostread-collector",
                    bootstrap_timeout_ms=3000,
                    request_timeout_ms=2000,
                    reconnect_backoff_max_ms=1000,
                )
            for description in self._admin.describe_topics(topics):
                check_topic_access(self._admin, description, WRITE)
            partitions = [len(producer.partitions_for(topic)) for topic in topics]
        except (KafkaError, OSError) as error:
            # Without a diagnosis: it would take longer than the broker may take to respond.
            raise translate_error(error, self._settings, unavailable) from error
        return partitions[0]

    def close(self, producer: KafkaProducer | None, timeout: float) -> None:
        """Flush `producer` for at most `timeout` seconds and close all connections."""
        if producer is not None:
            with contextlib.suppress(KafkaError):
                producer.close(timeout)
        if self._admin is not None:
            self._admin.close()
            self._admin = None


def new_producer(settings: CollectorSettings) -> KafkaProducer:
    """Return a connected producer. Blocks for up to five seconds, then raises."""
    ack_timeout_ms = int(settings.collector_ack_timeout_seconds * 1000)
    return KafkaProducer(
        **client_options(settings),
        client_id="mostread-collector",
        acks="all",
        enable_idempotence=True,
        delivery_timeout_ms=ack_timeout_ms,
        # A lost request is sent again while its client still waits.
        request_timeout_ms=ack_timeout_ms // 2,
        retry_backoff_ms=50,
        reconnect_backoff_max_ms=1000,
        # Records arrive batched; those that wait for the one in flight are sent together.
        linger_ms=0,
        batch_size=EVENT_BYTES // 2,
        max_request_size=EVENT_BYTES,
        # All collectors use an added partition within this time: an event that one sends by the
        # old number of partitions and another resends by the new one counts twice.
        metadata_max_age_ms=1_000,
        allow_auto_create_topics=False,
        bootstrap_timeout_ms=5000,
        max_block_ms=250,
        metrics_enabled=False,
    )
