"""The dead letters topic: stored dead letters, and how far they were replayed.

Replay checkpoints are records of the topic itself, not offsets committed for a group: Kafka deletes
the offsets of a group that is idle for a week, and everything would be sent and counted again. A
replay checkpoint stays as long as the dead letters before it.
"""

from collections.abc import Iterator
from contextlib import closing
from typing import NamedTuple

import msgspec

from mostread.core.dead_letters import DeadLetter, decode
from mostread.core.records import LogRecord
from mostread.errors import InvalidEvent
from mostread.infra.kafka import topics
from mostread.infra.kafka.config import KafkaSettings
from mostread.infra.kafka.reader import TopicReader


class ReplayCheckpoint(msgspec.Struct, frozen=True):
    """States that all dead letters of its partition below `replayed_until` were replayed."""

    replayed_until: int


_CHECKPOINT_PREFIX = b'{"replayed_until":'
_checkpoint_decoder = msgspec.json.Decoder(ReplayCheckpoint)


class StoredDeadLetter(NamedTuple):
    """A record of the topic: a dead letter or its decoding error; `timestamp` in ms."""

    partition: int
    offset: int
    timestamp: int
    letter: DeadLetter | InvalidEvent

    @property
    def label(self) -> str:
        if isinstance(self.letter, DeadLetter):
            return self.letter.position
        return f"dead letter {self.offset}"


class DeadLetterTopic:
    """Reads the topic. For one thread.

    Raises KafkaUnavailable, and Misconfigured where the topic does not exist.
    """

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._topic = settings.dead_letters_topic

    def read(self, since: int | None = None) -> Iterator[list[StoredDeadLetter]]:
        """Yield batches of dead letters written at `since` (ms) or later; all for None."""
        with closing(TopicReader(self._settings, self._topic)) as reader:
            for partition in self._partitions():
                begin, end = reader.offset_range(partition)
                start = begin if since is None else reader.offset_for_time(partition, since)
                if start is not None:
                    yield from _read_letters(reader, partition, start, end)

    def read_unreplayed(self) -> Iterator[list[StoredDeadLetter]]:
        """Yield dead letters beyond the replay checkpoint, in batches of one partition each."""
        with closing(TopicReader(self._settings, self._topic)) as reader:
            for partition in self._partitions():
                begin, end = reader.offset_range(partition)
                start = max(begin, _replayed_until(reader, partition, begin, end))
                yield from _read_letters(reader, partition, start, end)

    def _partitions(self) -> range:
        with topics.admin(self._settings) as client:
            return range(topics.describe(client, self._topic).partitions)


def _replayed_until(reader: TopicReader, partition: int, begin: int, end: int) -> int:
    until = 0
    for records in reader.read(partition, begin, end) if begin < end else ():
        for record in records:
            if _is_checkpoint(record):
                checkpoint = _checkpoint_decoder.decode(record.value or b"")
                until = max(until, checkpoint.replayed_until)
    return until


def _read_letters(
    reader: TopicReader, partition: int, start: int, end: int
) -> Iterator[list[StoredDeadLetter]]:
    for records in reader.read(partition, start, end) if start < end else ():
        letters = [
            StoredDeadLetter(partition, record.offset, record.timestamp, _decode(record))
            for record in records
            if not _is_checkpoint(record)
        ]
        if letters:
            yield letters


def _is_checkpoint(record: LogRecord) -> bool:
    return (record.value or b"").startswith(_CHECKPOINT_PREFIX)


def _decode(record: LogRecord) -> DeadLetter | InvalidEvent:
    try:
        return decode(record.value or b"")
    except InvalidEvent as error:
        return error
