"""Letters sent again: which of them are events by now, and what is said of the others."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec
from kafka import KafkaProducer
from kafka.errors import KafkaError

from mostread.core.dead_letters import Letter, decode, event
from mostread.core.events import Event, encode
from mostread.errors import InvalidEvent
from mostread.infra.kafka.config import KafkaSettings, client_options
from mostread.infra.kafka.errors import check_access, translate_error
from mostread.infra.kafka.topics import EVENT_BYTES
from mostread.ops.dead_letters.topic import LetterBox, Mark

SECONDS = 30


class Sender:
    """Writes to the events topic and marks what was replayed. For one thread; blocks.

    All methods return when Kafka has it, and raise KafkaUnavailable where it may not have it:
    doing it all again is right then.
    """

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        check_access(settings)
        try:
            self._producer = KafkaProducer(
                **client_options(settings),
                bootstrap_timeout_ms=10_000,
                acks="all",
                enable_idempotence=True,
                max_block_ms=SECONDS * 1000,
                delivery_timeout_ms=SECONDS * 1000,
                request_timeout_ms=SECONDS * 1000 // 2,
                max_request_size=EVENT_BYTES,
                allow_auto_create_topics=False,
            )
        except (KafkaError, OSError) as error:
            raise translate_error(error, settings) from error

    def close(self) -> None:
        self._producer.close(timeout=1)

    def send(self, events: Sequence[Event]) -> None:
        """Send events, each to the partition of its article."""
        self._acknowledged(
            lambda: [
                self._producer.send(
                    self._settings.events_topic, key=each.article_id.encode(), value=encode(each)
                )
                for each in events
            ]
        )

    def mark(self, partition: int, until: int) -> None:
        """Remember that the letters of `partition` below the offset `until` were replayed."""
        value = msgspec.json.encode(Mark(until))
        topic = self._settings.dead_letters_topic
        self._acknowledged(lambda: [self._producer.send(topic, value=value, partition=partition)])

    def _acknowledged(self, send: Callable[[], Sequence[object]]) -> None:
        try:
            for future in send():
                future.get(timeout=SECONDS)  # type: ignore[attr-defined]
        except (KafkaError, OSError) as error:
            raise translate_error(error, self._settings, "Kafka does not take events") from error


BATCH = 1000


class Given(NamedTuple):
    """A letter and where it was found, or why it is none."""

    where: str
    letter: Letter | InvalidEvent


@dataclass
class Replay:
    """What came of a replay; `tell` hears of each letter that is not sent, and why."""

    events_topic: str
    send: Callable[[Sequence[Event]], None]
    tell: Callable[[str], None]
    sent: int = 0
    wrong: int = 0
    of_other_topics: int = 0
    _seen: set[str] = field(default_factory=set)

    def take(self, letters: Iterable[Given]) -> None:
        """Send those of `letters` that are events, in their order.

        A letter that comes twice is sent once.
        """
        events = []
        for where, letter in letters:
            try:
                if isinstance(letter, InvalidEvent):
                    raise letter
                if letter.topic != self.events_topic:
                    self.of_other_topics += 1
                elif letter.place not in self._seen:
                    self._seen.add(letter.place)
                    events.append(event(letter))
            except InvalidEvent as error:
                self.wrong += 1
                self.tell(f"{where}: not sent: {error}")
        if events:
            self.send(events)
        self.sent += len(events)


def replay_box(box: LetterBox, replay: Replay, sender: Sender | None) -> None:
    """Replay what was not replayed yet; with a sender, and remember that it was.

    Raises KafkaUnavailable; what was sent and not remembered is sent again next time, with
    the same ids.
    """
    for portion in box.not_replayed():
        replay.take(Given(kept.where, kept.letter) for kept in portion)
        if sender is not None:
            sender.mark(portion[-1].partition, portion[-1].offset + 1)


def replay_file(lines: Iterable[bytes], replay: Replay) -> None:
    """Replay the letters of NDJSON as `mostread dead-letters list --json` writes it."""
    batch: list[Given] = []
    for given in _given(lines):
        batch.append(given)
        if len(batch) == BATCH:
            replay.take(batch)
            batch = []
    replay.take(batch)


def _given(lines: Iterable[bytes]) -> Iterator[Given]:
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                yield Given(f"line {number}", decode(line))
            except InvalidEvent as error:
                yield Given(f"line {number}", error)
