"""The kafka-python producer as the collector needs it, and what was learned of its ways.

Read in kafka-python 3.0.12:

- With idempotence it keeps one batch a partition in flight (`guarantee_message_order`), so
  records are neither reordered nor written twice by a retry. A batch out of sequence makes it
  bump its epoch; what was in flight then fails, and is answered as "outcome unknown".
- A record is retried until `delivery_timeout_ms` after it was handed over, then its future
  fails, whether the broker has it or not. There is no other end: no `buffer_memory`, no
  bound. The bound is ours (publisher.py).
- `send` blocks only for metadata of a topic it does not know, `max_block_ms` at most.
- An error that cannot be retried is fatal to the producer: all that follows fails too, and
  the only way out is a new one.
"""

from kafka import KafkaProducer

from mostread.collector.config import CollectorSettings
from mostread.infra.kafka._m_kafka_connection import connection
from mostread.infra.kafka.topics import EVENT_BYTES


def new_producer(settings: CollectorSettings) -> KafkaProducer:
    """Return a producer that has met a broker. Blocks for up to five seconds, then raises."""
    ack_timeout_ms = int(settings.collector_ack_timeout_seconds * 1000)
    return KafkaProducer(
        **connection(settings),
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
