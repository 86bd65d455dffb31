"""Decode records into events; an invalid line affects no other."""

import io
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import NamedTuple, Protocol

import msgspec

from mostread.core.control import Forget, decode_forget, is_forget
from mostread.core.events import LATEST_TIMESTAMP, Event

_decoder = msgspec.json.Decoder(Event)
MAX_DEAD_LINES = 10_000
"""Invalid lines of a record with dead letters of their own; 64 MiB may hold 32 million."""

_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class Record(Protocol):
    """A Kafka record. `timestamp` is in milliseconds; `value` is NDJSON."""

    @property
    def offset(self) -> int: ...
    @property
    def timestamp(self) -> int: ...
    @property
    def value(self) -> bytes | None: ...


class LogRecord(NamedTuple):
    """A record of a partition; `timestamp` is in milliseconds."""

    offset: int
    timestamp: int
    value: bytes | None


class DeadLine(NamedTuple):
    """A line that is not a valid event.

    `line` counts from 0 within its record, which was written at `timestamp` (ms).
    """

    offset: int
    timestamp: int
    line: int
    reason: str
    raw: bytes


class Decoded(NamedTuple):
    """Events of some records: record i holds `events[ends[i - 1]:ends[i]]`, with ends[-1] = 0.

    `size` is that of the records, in bytes. `forgets` are the control records among them, which
    hold no event.
    """

    events: list[Event]
    ends: Sequence[int]
    dead: list[DeadLine]
    size: int
    forgets: Sequence[Forget] = ()


def clamp_times(records: Sequence[Record]) -> tuple[Sequence[Record], list[int]]:
    """Return `records` with timestamps from 1970 to the end of 2099, and these timestamps.

    A topic with message.timestamp.type=CreateTime takes any time from its producers, from -1 to
    2^63 - 1, and ClickHouse's DateTime ends in 2106. Counting, the dedup window and the
    checkpoint all see the clamped time.
    """
    times = [record.timestamp for record in records]
    if not times or (min(times) >= 0 and max(times) <= LATEST_TIMESTAMP):
        return records, times
    times = [min(max(time, 0), LATEST_TIMESTAMP) for time in times]
    clamped = [
        LogRecord(record.offset, time, record.value)
        for record, time in zip(records, times, strict=True)
    ]
    return clamped, times


def decode(records: Sequence[Record]) -> Decoded:
    """Decode `records`, at least one, in order. Never raises for their content."""
    first = records[0].value
    if first is not None and b"\n" not in first:
        decoded = _decode_joined(records)
        if decoded is not None:
            return decoded
    return _decode_each(records)


def _decode_joined(records: Sequence[Record]) -> Decoded | None:
    """Decode records of one line each in a single call, which is much faster.

    Returns None if a record is not exactly one valid line; `_decode_each` then checks each.
    """
    joined = b"\n".join([record.value or b"" for record in records])
    # Braces at both ends of each record keep an object from continuing in the next one: which
    # records arrive together must not decide what is a valid event.
    between = len(records) - 1
    if joined.count(b"\n") != between or joined.count(b"}\n{") != between:
        return None
    if joined[:1] != b"{" or joined[-1:] != b"}" or b"\\" in joined:
        return None
    try:
        events = _decoder.decode_lines(joined)
    except _UNREADABLE:
        return None
    if len(events) != len(records) or _reverts_a_view(events):
        return None
    return Decoded(events, range(1, len(events) + 1), [], len(joined) - between)


def _decode_each(records: Sequence[Record]) -> Decoded:
    events: list[Event] = []
    ends: list[int] = []
    dead: list[DeadLine] = []
    forgets: list[Forget] = []
    size = 0
    for record in records:
        value = record.value
        size += len(value or b"")
        decoded: list[Event] | None = None
        # Only an escape can bring a control character into a name: a well-formed line without
        # a backslash needs no further check.
        if value and b"\\" not in value:
            with suppress(*_UNREADABLE):
                decoded = _decoder.decode_lines(value)
        if not decoded or not _is_one_per_line(value, len(decoded)) or _reverts_a_view(decoded):
            decoded = _decode_by_line(record, dead, forgets)
        events += decoded
        ends.append(len(events))
    return Decoded(events, ends, dead, size, forgets)


def _is_one_per_line(value: bytes | None, events: int) -> bool:
    """Return whether each of `events` decoded objects has a line of its own.

    Counting lines is not enough: a blank line or an object over two lines would make up for two
    objects on one line. Newlines at the end do not count.
    """
    body = (value or b"").rstrip(b"\n")
    newlines = body.count(b"\n")
    return events == newlines + 1 and (not newlines or body.count(b"}\n{") == newlines)


def _decode_by_line(record: Record, dead: list[DeadLine], forgets: list[Forget]) -> list[Event]:
    events: list[Event] = []
    for each in each_line(record):
        if isinstance(each, Event):
            events.append(each)
        elif isinstance(each, Forget):
            forgets.append(each)
        else:
            dead.append(each)
    return events


def each_line(record: Record) -> Iterator[Event | Forget | DeadLine]:
    """Yield an event or a dead line for each line of `record`, skipping blank lines.

    A record of exactly one line may be a forget instead. From the dead line after MAX_DEAD_LINES
    on, the rest of the record is one dead line. This is the definition of an event in the log;
    `decode` is a faster equivalent.
    """
    value = record.value or b""
    if not value.strip():
        yield _dead(record, 0, "the record is empty", value)
        return
    lines = io.BytesIO(value)
    has_one_line = b"\n" not in value.strip()
    dead = 0
    for number, line in enumerate(lines):
        if not line.strip():
            continue
        text = line.removesuffix(b"\n")
        each = _decode_line(record, number, text)
        if isinstance(each, Forget) and not has_one_line:
            each = _dead(record, number, "a forget must be the only line of its record", text)
        if isinstance(each, DeadLine):
            dead += 1
            if dead > MAX_DEAD_LINES:
                reason = f"the rest of a record with more than {MAX_DEAD_LINES:,} invalid lines"
                yield _dead(record, number, reason, line + lines.read())
                return
        yield each


def _decode_line(record: Record, number: int, line: bytes) -> Event | Forget | DeadLine:
    try:
        event = _decoder.decode(line)
    except _UNREADABLE as error:
        if is_forget(line):
            return _decode_forget(record, number, line)
        return _dead(record, number, str(error), line)
    if _reverts_a_view([event]):
        return _dead(record, number, "a view cannot be retracted", line)
    if b"\\" in line and _has_control_character(event.article_id, event.site, event.id):
        return _dead(record, number, "a name contains a control character", line)
    return event


def _decode_forget(record: Record, number: int, line: bytes) -> Forget | DeadLine:
    try:
        forget = decode_forget(line, record.offset, record.timestamp)
    except _UNREADABLE as error:
        return _dead(record, number, str(error), line)
    if _has_control_character(forget.article_id, forget.site, forget.id, forget.by):
        return _dead(record, number, "a name contains a control character", line)
    return forget


def _dead(record: Record, number: int, reason: str, raw: bytes) -> DeadLine:
    return DeadLine(record.offset, record.timestamp, number, reason, raw)


def _has_control_character(*names: str) -> bool:
    return any(character < " " for name in names for character in name)


def _reverts_a_view(events: Sequence[Event]) -> bool:
    # The first test runs in C; the second only for the few events that revert something.
    return -1 in [event.delta for event in events] and any(
        event.delta < 0 and event.type == "view" for event in events
    )
