"""Asking the cluster, once a second, whether it is there and how many partitions it has."""

import contextlib

from kafka import KafkaAdminClient, KafkaProducer
from kafka.errors import KafkaError

from mostread.collector.delivery._m_collector_producer import new_producer
from mostread.collector.config import CollectorSettings
from mostread.infra.kafka._m_kafka_connection import connection
from mostread.infra.kafka._m_kafka_rights import WRITE, require
from mostread.infra.kafka.topics import Admin
from mostread.infra.kafka.errors import require_way_in, trouble


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
        require_way_in(self._settings)
        try:
            return new_producer(self._settings)
        except (KafkaError, OSError) as error:
            raise trouble(error, self._settings) from error

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
                    **connection(self._settings),
                    client_id="mostread-collector",
                    bootstrap_timeout_ms=3000,
                    request_timeout_ms=2000,
                    reconnect_backoff_max_ms=1000,
                )
            for found in self._admin.describe_topics(topics):
                require(self._admin, found, WRITE)
            known = [len(producer.partitions_for(topic)) for topic in topics]
        except (KafkaError, OSError) as error:
            # Not asked why: the answer would come later than the broker may.
            raise trouble(error, self._settings, away) from error
        return known[0]

    def close(self, producer: KafkaProducer | None, timeout: float) -> None:
        """Let `producer` finish what it can within `timeout` seconds, and end every connection."""
        if producer is not None:
            with contextlib.suppress(KafkaError):
                producer.close(timeout)
        if self._admin is not None:
            self._admin.close()
            self._admin = None
