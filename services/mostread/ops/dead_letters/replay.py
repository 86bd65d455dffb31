"""Replay of dead letters: corrected lines are sent to the events topic again."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec

from mostread.core.dead_letters import DeadLetter, decode, parse_event
from mostread.core.events import Event, encode
from mostread.errors import InvalidEvent
from mostread.infra.kafka.config import KafkaSettings
from mostread.infra.kafka.producer import JobProducer, OutgoingRecord
from mostread.ops.dead_letters.topic import DeadLetterTopic, ReplayCheckpoint


class ReplayProducer:
    """Sends events and replay checkpoints. For one thread; blocks.

    All methods return when Kafka has acknowledged every record, and raise KafkaUnavailable
    otherwise; it is safe to repeat the whole call then.
    """

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._producer = JobProducer(settings)

    def close(self) -> None:
        self._producer.close()

    def send(self, events: Sequence[Event]) -> None:
        """Send events, keyed by article."""
        topic = self._settings.events_topic
        self._producer.send(
            [OutgoingRecord(topic, encode(event), event.article_id.encode()) for event in events]
        )

    def write_checkpoint(self, partition: int, until: int) -> None:
        """Record that the dead letters of `partition` below the offset `until` were replayed."""
        value = msgspec.json.encode(ReplayCheckpoint(until))
        topic = self._settings.dead_letters_topic
        self._producer.send([OutgoingRecord(topic, value, partition=partition)])


BATCH_SIZE = 1000


class ReplayCandidate(NamedTuple):
    """A dead letter with its label for messages, or the error of decoding it."""

    label: str
    letter: DeadLetter | InvalidEvent


@dataclass
class DeadLetterReplay:
    """Sends valid events and counts the rest; `report` gets a message for each invalid line."""

    events_topic: str
    send: Callable[[Sequence[Event]], None]
    report: Callable[[str], None]
    sent: int = 0
    invalid: int = 0
    other_topics: int = 0
    _positions: set[str] = field(default_factory=set)

    def add(self, candidates: Iterable[ReplayCandidate]) -> None:
        """Send the candidates that are valid events, in order; each position once."""
        events = []
        for label, letter in candidates:
            try:
                if isinstance(letter, InvalidEvent):
                    raise letter
                if letter.topic != self.events_topic:
                    self.other_topics += 1
                elif letter.position not in self._positions:
                    self._positions.add(letter.position)
                    events.append(parse_event(letter))
            except InvalidEvent as error:
                self.invalid += 1
                self.report(f"{label}: not sent: {error}")
        if events:
            self.send(events)
        self.sent += len(events)


def replay_topic(
    topic: DeadLetterTopic, replay: DeadLetterReplay, producer: ReplayProducer | None
) -> None:
    """Replay dead letters beyond the replay checkpoint; without a producer, write no checkpoint.

    Raises KafkaUnavailable. Events that were sent before the checkpoint was written are sent again
    next time, with the same ids.
    """
    for batch in topic.read_unreplayed():
        replay.add(ReplayCandidate(stored.label, stored.letter) for stored in batch)
        if producer is not None:
            producer.write_checkpoint(batch[-1].partition, batch[-1].offset + 1)


def replay_file(lines: Iterable[bytes], replay: DeadLetterReplay) -> None:
    """Replay the NDJSON lines that `mostread dead-letters list --json` writes."""
    batch: list[ReplayCandidate] = []
    for candidate in _decode_lines(lines):
        batch.append(candidate)
        if len(batch) == BATCH_SIZE:
            replay.add(batch)
            batch = []
    replay.add(batch)


def _decode_lines(lines: Iterable[bytes]) -> Iterator[ReplayCandidate]:
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                yield ReplayCandidate(f"line {number}", decode(line))
            except InvalidEvent as error:
                yield ReplayCandidate(f"line {number}", error)
