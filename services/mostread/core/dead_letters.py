"""Dead letters: invalid lines of the log, with their positions."""

import binascii
from base64 import b64decode, b64encode

import msgspec

from mostread.core.events import Event
from mostread.core.records import DeadLine, LogRecord, each_line
from mostread.errors import InvalidEvent


class DeadLetter(msgspec.Struct, frozen=True, omit_defaults=True):
    """Value of a record of the dead letters topic.

    `timestamp` is that of the record that contained the line, in milliseconds. The line is in
    `text`, or in `base64` where it is not printable UTF-8.
    """

    topic: str
    partition: int
    offset: int
    line: int
    reason: str
    timestamp: int | None = None
    text: str | None = None
    base64: str | None = None

    @property
    def position(self) -> str:
        """Position of the line in the log, unique and stable when it is written twice."""
        return f"{self.topic}/{self.partition}/{self.offset}/{self.line}"

    @property
    def raw(self) -> bytes:
        """The bytes of the line."""
        return self.text.encode() if self.text is not None else _decode_base64(self.base64)


def from_line(topic: str, partition: int, line: DeadLine) -> DeadLetter:
    """Return the dead letter of an invalid line."""
    try:
        text = line.raw.decode()
    except UnicodeDecodeError:
        text = None
    # JSON would escape other text, and the largest record would no longer fit.
    is_plain = text is not None and text.isprintable()
    return DeadLetter(
        topic,
        partition,
        line.offset,
        line.line,
        line.reason,
        line.timestamp,
        text=text if is_plain else None,
        base64=None if is_plain else b64encode(line.raw).decode(),
    )


def _decode_base64(base64: str | None) -> bytes:
    try:
        return b64decode(base64 or "", validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidEvent("dead_letter", f"`base64` is not valid base64: {error}") from error


encode = msgspec.json.Encoder().encode
_decoder = msgspec.json.Decoder(DeadLetter)


def decode(value: bytes) -> DeadLetter:
    """Return the dead letter in a record's value. Raises InvalidEvent."""
    try:
        letter = _decoder.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidEvent("dead_letter", f"not a valid dead letter: {error}") from error
    if letter.text is None:
        _decode_base64(letter.base64)
    return letter


def parse_event(letter: DeadLetter) -> Event:
    """Return the event in the dead letter's line. Raises InvalidEvent with the reason.

    An event without an id gets one derived from its position, so that it counts once even if it
    is sent twice. An event without a timestamp gets that of its record.
    """
    lines = list(each_line(LogRecord(letter.offset, letter.timestamp or 0, letter.raw)))
    if len(lines) != 1:
        raise InvalidEvent(
            "lines", f"a dead letter holds one event, but this one has {len(lines)} lines"
        )
    (event,) = lines
    if not isinstance(event, Event):
        raise InvalidEvent("event", event.reason)
    return msgspec.structs.replace(
        event,
        id=event.id or f"letter-{letter.partition}-{letter.offset}-{letter.line}",
        timestamp=letter.timestamp if event.timestamp is None else event.timestamp,
    )
