"""A dead letter: a line that was no event, and where it stood."""

import binascii
from base64 import b64decode

import msgspec

from mostread.core.events import Event
from mostread.core.records import LogRecord, each_line
from mostread.errors import InvalidEvent


class Letter(msgspec.Struct, frozen=True, omit_defaults=True):
    """What aggregator/dead_letters.py writes. `timestamp` is that of the record that the line
    stood in, in milliseconds. The line is in `text`, or in `base64` where it is no plain text.
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
    def place(self) -> str:
        """Where the line stood; a letter that was written twice has the same."""
        return f"{self.topic}/{self.partition}/{self.offset}/{self.line}"

    @property
    def raw(self) -> bytes:
        """The line itself."""
        return self.text.encode() if self.text is not None else _unpacked(self.base64)


def _unpacked(base64: str | None) -> bytes:
    try:
        return b64decode(base64 or "", validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidEvent("letter", f"this is no base64: {error}") from error


encode = msgspec.json.Encoder().encode
_decoder = msgspec.json.Decoder(Letter)


def decode(value: bytes) -> Letter:
    """Return the letter that `value` holds. Raises InvalidEvent."""
    try:
        letter = _decoder.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidEvent("letter", f"this is no letter: {error}") from error
    if letter.text is None:
        _unpacked(letter.base64)
    return letter


def event(letter: Letter) -> Event:
    """Return the event that the letter's line is by now. Raises InvalidEvent, saying why not.

    One without an id gets one of the place where it stood, so that it is sent twice and counts
    once; one without a timestamp happened when its record was written.
    """
    lines = list(each_line(LogRecord(letter.offset, letter.timestamp or 0, letter.raw)))
    if len(lines) != 1:
        raise InvalidEvent("lines", f"a letter holds one event, and this holds {len(lines)} lines")
    (found,) = lines
    if not isinstance(found, Event):
        raise InvalidEvent("event", found.reason)
    return msgspec.structs.replace(
        found,
        id=found.id or f"letter-{letter.partition}-{letter.offset}-{letter.line}",
        timestamp=letter.timestamp if found.timestamp is None else found.timestamp,
    )
