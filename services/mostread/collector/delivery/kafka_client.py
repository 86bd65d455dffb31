"""Asking the cluster, once a second, whether it is there and how many partitions it has."""

import contextlib

from kafka import KafkaAdminClient, KafkaProducer
from kafka.errors import KafkaError

from mostread.collector.config import CollectorSettings
from mostread.infra.kafka.admin import WRITE, check_topic_access
from mostread.infra.kafka.config import client_options
from mostread.infra.kafka.errors import check_access, translate_error
from mostread.infra.kafka.topics import EVENT_BYTES, Admin


class Cluster:
    """The blocking half of the publisher: its methods run in a thread, one at a time.

    It asks over a connection of its own, so that its answer does not wait behind records.
    """

    def __init__(self, settings: CollectorSettings) -> None:
        self._settings = settings
        self._admin: KafkaAdminClient | None = None

    def connect(self) -> KafkaProducer:
        """Return a new producer. Raises KafkaUnavailable after five seconds without a broker,
        and Misconfigured where none believes us, or we none.
        """
        check_access(self._settings)
        try:
            return new_producer(self._settings)
        except (KafkaError, OSError) as error:
            raise translate_error(error, self._settings) from error

    def look(self, producer: KafkaProducer) -> int:
        """Return the partitions of the events topic, all of which `producer` knows.

        Raises KafkaUnavailable where no broker answers within seconds, and Misconfigured where
        a topic is missing, or the right to write to it.
        """
        away = f"no broker answers at {self._settings.kafka_brokers}"
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
            for found in self._admin.describe_topics(topics):
                check_topic_access(self._admin, found, WRITE)
            known = [len(producer.partitions_for(topic)) for topic in topics]
        except (KafkaError, OSError) as error:
            # Not asked why: the answer would come later than the broker may.
            raise translate_error(error, self._settings, away) from error
        return known[0]

    def close(self, producer: KafkaProducer | None, timeout: float) -> None:
        """Let `producer` finish what it can within `timeout` seconds, and end every connection."""
        if producer is not None:
            with contextlib.suppress(KafkaError):
                producer.close(timeout)
        if self._admin is not None:
            self._admin.close()
            self._admin = None


def new_producer(settings: CollectorSettings) -> KafkaProducer:
    """Return a producer that has met a broker. Blocks for up to five seconds, then raises."""
    ack_timeout_ms = int(settings.collector_ack_timeout_seconds * 1000)
    return KafkaProducer(
        **client_options(settings),
        client_id="mostread-collector",
        acks="all",
        enable_idempotence=True,
        delivery_timeout_ms=ack_timeout_ms,
        # A request that was lost is sent again while somebody still waits for it.
        request_timeout_ms=ack_timeout_ms // 2,
        retry_backoff_ms=50,
        reconnect_backoff_max_ms=1000,
        # Records come gathered already; those that wait for the one in flight go together.
        linger_ms=0,
        batch_size=EVENT_BYTES // 2,
        max_request_size=EVENT_BYTES,
        # A partition added in operation is used within so long, by all collectors: what one
        # sends by the old number and another sends again by the new one counts twice.
        metadata_max_age_ms=1_000,
        allow_auto_create_topics=False,
        bootstrap_timeout_ms=5000,
        max_block_ms=250,
        metrics_enabled=False,
    )
