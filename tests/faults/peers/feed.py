"""The same kind of events for the peer: one a record, in the ledger when Kafka has it."""

import random
import threading
import time
from collections import Counter as Tally

from kafka import KafkaProducer

from tests.faults.traffic import make_event


class PeerFeed:
    """Writes about `rate` events per second until it is stopped, none of them twice.

    `acknowledged` says how many of each key of the peer's table Kafka has acknowledged.
    """

    def __init__(self, brokers: str, topic: str, *, seed: int, rate: float) -> None:
        self.acknowledged: Tally[str] = Tally()
        self.unknown = 0
        self._brokers = brokers
        self._topic = topic
        self._chance = random.Random(seed)
        self._rate = rate
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="feed")

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Return when Kafka has acknowledged everything that was sent."""
        self._ending.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        producer = KafkaProducer(
            bootstrap_servers=self._brokers,
            acks="all",
            enable_idempotence=True,
            delivery_timeout_ms=300_000,
            max_block_ms=300_000,
            request_timeout_ms=5_000,
        )
        began, sent = time.monotonic(), 0
        while not self._ending.wait(0.02):
            while sent < (time.monotonic() - began) * self._rate:
                self._send(producer)
                sent += 1
        producer.flush(300)
        producer.close()

    def _send(self, producer: KafkaProducer) -> None:
        event = make_event(self._chance, time.time_ns() // 1_000_000)._replace(delta=1)
        key = f"{event.article_id}:{event.type}:{event.timestamp // 60000}"
        future = producer.send(self._topic, value=event.line(), key=event.article_id.encode())
        future.add_callback(lambda _: self.acknowledged.update((key,)))
        future.add_errback(self._lost_sight)

    def _lost_sight(self, _: object) -> None:
        self.unknown += 1
