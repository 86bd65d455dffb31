"""The dead letters topic: its letters in their order, and how far they were replayed.

How far is said by a mark, a record in the topic itself, and not by an offset committed for a
group: Kafka forgets that of a group that was idle for a week, and then all would be sent and
counted again. A mark stays as long as the letters before it.
"""

from collections.abc import Iterator
from contextlib import closing
from typing import NamedTuple

import msgspec

from mostread.core.dead_letters import Letter, decode
from mostread.core.records import LogRecord
from mostread.errors import InvalidEvent
from mostread.infra.kafka import topics
from mostread.infra.kafka.config import KafkaSettings
from mostread.infra.kafka.reader import TopicReader


class Mark(msgspec.Struct, frozen=True):
    """Every letter of this partition below the offset `replayed_until` was replayed."""

    replayed_until: int


_MARK = b'{"replayed_until":'
_mark_decoder = msgspec.json.Decoder(Mark)


class Kept(NamedTuple):
    """A record of the topic, written at `time` (ms): its letter, or why it is none."""

    partition: int
    offset: int
    time: int
    letter: Letter | InvalidEvent

    @property
    def where(self) -> str:
        return self.letter.place if isinstance(self.letter, Letter) else f"letter {self.offset}"


class LetterBox:
    """Reads the topic. For one thread; raises KafkaUnavailable, and Misconfigured where there
    is no such topic.
    """

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._topic = settings.dead_letters_topic

    def letters(self, since: int | None = None) -> Iterator[list[Kept]]:
        """Yield the letters written at `since` (ms) or later, in portions; all for None."""
        with closing(TopicReader(self._settings, self._topic)) as reader:
            for partition in self._partitions():
                begin, end = reader.ends(partition)
                start = begin if since is None else reader.first_since(partition, since)
                if start is not None:
                    yield from _letters(reader, partition, start, end)

    def not_replayed(self) -> Iterator[list[Kept]]:
        """Yield the letters that no mark covers, in portions of one partition each."""
        with closing(TopicReader(self._settings, self._topic)) as reader:
            for partition in self._partitions():
                begin, end = reader.ends(partition)
                start = max(begin, _replayed_until(reader, partition, begin, end))
                yield from _letters(reader, partition, start, end)

    def _partitions(self) -> range:
        with topics.admin(self._settings) as client:
            return range(topics.describe(client, self._topic).partitions)


def _replayed_until(reader: TopicReader, partition: int, begin: int, end: int) -> int:
    until = 0
    for record in _records(reader, partition, begin, end):
        if _is_mark(record):
            until = max(until, _mark_decoder.decode(record.value or b"").replayed_until)
    return until


def _letters(reader: TopicReader, partition: int, start: int, end: int) -> Iterator[list[Kept]]:
    for records in reader.read(partition, start, end) if start < end else ():
        kept = [
            Kept(partition, record.offset, record.timestamp, _letter(record))
            for record in records
            if not _is_mark(record)
        ]
        if kept:
            yield kept


def _records(reader: TopicReader, partition: int, start: int, end: int) -> Iterator[LogRecord]:
    for records in reader.read(partition, start, end) if start < end else ():
        yield from records


def _is_mark(record: LogRecord) -> bool:
    return (record.value or b"").startswith(_MARK)


def _letter(record: LogRecord) -> Letter | InvalidEvent:
    try:
        return decode(record.value or b"")
    except InvalidEvent as error:
        return error
