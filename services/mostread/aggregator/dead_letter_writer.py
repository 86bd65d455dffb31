"""Write dead letters: invalid lines, for inspection, correction and replay."""

from collections.abc import Sequence

from kafka import KafkaProducer
from kafka.errors import KafkaError

from mostread.core.dead_letters import encode, from_line
from mostread.core.records import DeadLine
from mostread.infra.kafka.config import KafkaSettings, client_options
from mostread.infra.kafka.errors import translate_error
from mostread.infra.kafka.topics import DEAD_LETTER_BYTES

TIMEOUT_SECONDS = 30


class DeadLetterWriter:
    """Blocking writer of the dead letters topic, for one thread at a time.

    A record's key is the position of the line, `topic/partition/offset/line`; a line written again
    after a crash has the same key. Its value is a DeadLetter as JSON.
    """

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._producer: KafkaProducer | None = None

    def close(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            producer.close(timeout=1)

    def write(self, topic: str, lines: Sequence[tuple[int, DeadLine]]) -> None:
        """Write (partition, line) pairs; return when Kafka has acknowledged all of them.

        Raises KafkaUnavailable after writing none, some or all of them; write all again.
        """
        try:
            if self._producer is None:
                self._producer = KafkaProducer(
                    **client_options(self._settings),
                    acks="all",
                    max_block_ms=TIMEOUT_SECONDS * 1000,
                    delivery_timeout_ms=TIMEOUT_SECONDS * 1000,
                    request_timeout_ms=TIMEOUT_SECONDS * 1000 // 2,
                    max_request_size=DEAD_LETTER_BYTES,
                )
            sent = [
                self._producer.send(
                    self._settings.dead_letters_topic,
                    key=letter.position.encode(),
                    value=encode(letter),
                )
                for letter in (from_line(topic, partition, line) for partition, line in lines)
            ]
            for future in sent:
                future.get(timeout=TIMEOUT_SECONDS)
        except (KafkaError, OSError) as error:
            self.close()
            raise translate_error(error, self._settings, "cannot write dead letters") from error
