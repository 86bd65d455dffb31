"""From the records of a partition to events; a bad line costs only itself."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import NamedTuple, Protocol

import msgspec

from mostread.core.events import Event

_decoder = msgspec.json.Decoder(Event)
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class Record(Protocol):
    """A record of the log. `timestamp` is in milliseconds; `value` is NDJSON."""

    @property
    def offset(self) -> int: ...
    @property
    def timestamp(self) -> int: ...
    @property
    def value(self) -> bytes | None: ...


class LogRecord(NamedTuple):
    """A record as it stands in a partition; `timestamp` is in milliseconds."""

    offset: int
    timestamp: int
    value: bytes | None


class DeadLine(NamedTuple):
    """A line that is no event. `line` counts from 0 within its record, which was written at
    `timestamp` (ms).
    """

    offset: int
    timestamp: int
    line: int
    reason: str
    raw: bytes


class Decoded(NamedTuple):
    """What some records hold: record i gave `events[ends[i - 1]:ends[i]]`, with ends[-1] = 0.

    `size` is that of the records, in bytes.
    """

    events: list[Event]
    ends: Sequence[int]
    dead: list[DeadLine]
    size: int


def decode(records: Sequence[Record]) -> Decoded:
    """Decode `records`, at least one, in their order. Never raises for what they hold."""
    first = records[0].value
    if first is not None and b"\n" not in first:
        decoded = _decode_joined(records)
        if decoded is not None:
            return decoded
    return _decode_each(records)


def _decode_joined(records: Sequence[Record]) -> Decoded | None:
    """Decode records of one line each in a single call, which is a good deal faster.

    None where a record is not exactly one good line: then each needs a look of its own.
    """
    joined = b"\n".join([record.value or b"" for record in records])
    # Braces at both ends of each keep an object from going on in the next record: what was
    # fetched together must not decide what is an event.
    between = len(records) - 1
    if joined.count(b"\n") != between or joined.count(b"}\n{") != between:
        return None
    if joined[:1] != b"{" or joined[-1:] != b"}" or b"\\" in joined:
        return None
    try:
        events = _decoder.decode_lines(joined)
    except _UNREADABLE:
        return None
    if len(events) != len(records) or _takes_back_a_view(events):
        return None
    return Decoded(events, range(1, len(events) + 1), [], len(joined) - between)


def _decode_each(records: Sequence[Record]) -> Decoded:
    events: list[Event] = []
    ends: list[int] = []
    dead: list[DeadLine] = []
    size = 0
    for record in records:
        value = record.value
        size += len(value or b"")
        found: list[Event] | None = None
        # Only an escape can bring a control character into a name: without a backslash
        # there is nothing in a well-formed line that needs a closer look.
        if value and b"\\" not in value:
            with suppress(*_UNREADABLE):
                found = _decoder.decode_lines(value)
        if not found or len(found) != _lines(value) or _takes_back_a_view(found):
            found = _decode_by_line(record, dead)
        events += found
        ends.append(len(events))
    return Decoded(events, ends, dead, size)


def _lines(value: bytes | None) -> int:
    """Return how many lines `value` has, the last of which may end in a newline."""
    return (value or b"").rstrip(b"\n").count(b"\n") + 1


def _decode_by_line(record: Record, dead: list[DeadLine]) -> list[Event]:
    found: list[Event] = []
    for each in each_line(record):
        if isinstance(each, Event):
            found.append(each)
        else:
            dead.append(each)
    return found


def each_line(record: Record) -> Iterator[Event | DeadLine]:
    """Yield what each line of `record` is, in their order; blank lines are nothing.

    This is the definition of an event in the log. `decode` says the same, faster.
    """
    lines = (record.value or b"").split(b"\n")
    if not any(line.strip() for line in lines):
        yield _dead(record, 0, "the record is empty", record.value or b"")
    for number, line in enumerate(lines):
        if not line.strip():
            continue
        try:
            event = _decoder.decode(line)
        except _UNREADABLE as error:
            yield _dead(record, number, str(error), line)
            continue
        if _takes_back_a_view([event]):
            yield _dead(record, number, "a view cannot be taken back", line)
        elif b"\\" in line and _holds_a_control_character(event):
            yield _dead(record, number, "a name holds a control character", line)
        else:
            yield event


def _dead(record: Record, number: int, reason: str, raw: bytes) -> DeadLine:
    return DeadLine(record.offset, record.timestamp, number, reason, raw)


def _holds_a_control_character(event: Event) -> bool:
    return any(
        character < " " for name in (event.article_id, event.site, event.id) for character in name
    )


def _takes_back_a_view(events: Sequence[Event]) -> bool:
    # The list is searched in C; the slower look is for the few that take something back.
    return -1 in [event.delta for event in events] and any(
        event.delta < 0 and event.type == "view" for event in events
    )
