"""Dead letters: invalid lines of the log, with their positions."""

import binascii
import codecs
import hashlib
from base64 import b64decode, b64encode

import msgspec

from mostread.core.control import Forget
from mostread.core.events import Event
from mostread.core.records import DeadLine, LogRecord, each_line
from mostread.errors import InvalidEvent

MAX_LINE_BYTES = 256 << 10
"""Bytes of a line that its dead letter holds."""
MAX_REASON_LENGTH = 200
MAX_BYTES = 1_000_000
"""Maximum size of a dead letter: less than Kafka takes by default, and more than a text of
`MAX_LINE_BYTES` with every character escaped.
"""


class DeadLetter(msgspec.Struct, frozen=True, omit_defaults=True):
    """Value of a record of the dead letters topic.

    `timestamp` is that of the record that contained the line, in milliseconds. The line is in
    `text`, or in `base64` where it is not printable UTF-8. Where it is cut, `length` and `sha256`
    are those of the whole line, in bytes and as hexadecimal digits.
    """

    topic: str
    partition: int
    offset: int
    line: int
    reason: str
    timestamp: int | None = None
    text: str | None = None
    base64: str | None = None
    length: int | None = None
    sha256: str | None = None

    @property
    def position(self) -> str:
        """Position of the line in the log, unique and stable when it is written twice."""
        return f"{self.topic}/{self.partition}/{self.offset}/{self.line}"

    @property
    def raw(self) -> bytes:
        """The bytes of the line."""
        return self.text.encode() if self.text is not None else _decode_base64(self.base64)


def from_line(topic: str, partition: int, line: DeadLine) -> DeadLetter:
    """Return the dead letter of an invalid line; at most MAX_BYTES once encoded."""
    is_cut = len(line.raw) > MAX_LINE_BYTES
    start = line.raw[:MAX_LINE_BYTES]
    try:
        # The character at the end may be cut, too.
        text, _ = codecs.utf_8_decode(start, "strict", not is_cut)
    except UnicodeDecodeError:
        text = None
    # JSON would escape other text, and the largest record would no longer fit.
    is_plain = text is not None and text.isprintable()
    letter = DeadLetter(
        topic,
        partition,
        line.offset,
        line.line,
        # msgspec quotes the whole value of a field.
        _cut(line.reason, MAX_REASON_LENGTH),
        line.timestamp,
        text=text if is_plain else None,
        base64=None if is_plain else b64encode(start).decode(),
    )
    return _with_digest(letter, line.raw) if is_cut else letter


def without_line(letter: DeadLetter, raw: bytes) -> DeadLetter:
    """Return a letter that has only the length and digest of its whole line, `raw`."""
    return _with_digest(msgspec.structs.replace(letter, text=None, base64=None), raw)


def _with_digest(letter: DeadLetter, raw: bytes) -> DeadLetter:
    return msgspec.structs.replace(letter, length=len(raw), sha256=hashlib.sha256(raw).hexdigest())


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"


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
    if letter.length is not None:
        raise InvalidEvent(
            "cut",
            f"the letter holds {len(letter.raw):,} of the line's {letter.length:,} bytes; read "
            f"line {letter.line} of the record at offset {letter.offset} of "
            f"{letter.topic}/{letter.partition}, put a corrected event into `text`, and remove "
            "`length`",
        )
    lines = list(each_line(LogRecord(letter.offset, letter.timestamp or 0, letter.raw)))
    if len(lines) != 1:
        raise InvalidEvent(
            "lines", f"a dead letter holds one event, but this one has {len(lines)} lines"
        )
    (event,) = lines
    if isinstance(event, Forget):
        raise InvalidEvent("event", "a forget is not an event; run `mostread forget`")
    if not isinstance(event, Event):
        raise InvalidEvent("event", event.reason)
    return msgspec.structs.replace(
        event,
        id=event.id or f"letter-{letter.partition}-{letter.offset}-{letter.line}",
        timestamp=letter.timestamp if event.timestamp is None else event.timestamp,
    )
