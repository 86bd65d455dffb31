"""Looking at each event of a body alone, to say which are bad and why.

The plain json module reads here: it can see a field given twice, and how JSON Schema sees
a number (1.0 is an integer). It is slow and need not be fast.
"""

import json
from collections import Counter
from enum import StrEnum
from typing import Any, NoReturn

import msgspec
from msgspec import UNSET

from mostread.collector.pipeline.event import (
    CONTROL_CHARACTERS,
    ID_CHARACTERS,
    SITE_CHARACTERS,
    SentEvent,
)
from mostread.errors import InvalidEvent

_ELEMENTS = msgspec.json.Decoder(list[msgspec.Raw])
_INTEGERS = ("timestamp", "delta")
_LONGEST_DETAIL = 200


class Reason(StrEnum):
    """Why an event is rejected: a closed set, documented in schemas/collector.openapi.yaml."""

    SYNTAX = "syntax"
    DUPLICATE_FIELD = "duplicate_field"
    SCHEMA = "schema"
    VIEW_TAKEN_BACK = "view_taken_back"
    TOKEN_REQUIRED = "token_required"  # noqa: S105  a reason, no token


class Rejection(msgspec.Struct):
    """One event that was not taken; `index` counts the events of the request from 0."""

    index: int
    reason: Reason
    detail: str


class TooManyEvents(InvalidEvent):
    """A request holds more events than one may."""

    def __init__(self, count: int, limit: int) -> None:
        super().__init__("too_many", f"{count} events in one request; at most {limit} may be.")


def decode_each(
    body: bytes, *, may_take_back: bool, max_events: int
) -> tuple[list[SentEvent], list[Rejection]]:
    """Return the valid events of a body, and a rejection for each other."""
    try:
        elements = _split(body.strip())
    except InvalidEvent as error:
        return [], [Rejection(0, Reason.SYNTAX, str(error)[:_LONGEST_DETAIL])]
    if len(elements) > max_events:
        raise TooManyEvents(len(elements), max_events)
    events: list[SentEvent] = []
    rejected: list[Rejection] = []
    for index, element in enumerate(elements):
        try:
            events.append(_decode_one(element, may_take_back))
        except InvalidEvent as error:
            detail = str(error)[:_LONGEST_DETAIL]
            rejected.append(Rejection(index, Reason(error.reason), detail))
    return events, rejected


def _split(body: bytes) -> list[bytes]:
    """Cut a body into its events. Raises InvalidEvent for an array that is not JSON.

    In an array nobody can tell where a broken element ends, so it costs the whole array; in
    NDJSON a broken line costs that line.
    """
    if body[:1] == b"[":
        try:
            return [bytes(element) for element in _ELEMENTS.decode(body)]
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise InvalidEvent(Reason.SYNTAX, f"The array is not JSON: {error}.") from error
    try:
        msgspec.json.decode(body, type=msgspec.Raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return [line for line in body.split(b"\n") if line.strip()]
    return [body]  # one object, on however many lines


def _decode_one(element: bytes, may_take_back: bool) -> SentEvent:
    value = _read(element)
    if not isinstance(value, dict):
        raise InvalidEvent(Reason.SCHEMA, "An event is a JSON object.")
    for name in _INTEGERS:
        number = value.get(name)
        if isinstance(number, float) and number.is_integer():
            value[name] = int(number)
    try:
        event = msgspec.convert(value, SentEvent)
    except msgspec.ValidationError as error:
        raise InvalidEvent(Reason.SCHEMA, f"{error}.") from error
    _check(event, may_take_back)
    return event


def _read(element: bytes) -> Any:
    try:
        value = json.loads(
            element.decode(),
            object_pairs_hook=_fields,
            parse_constant=_not_a_number,
            parse_int=_integer,
        )
        # JSON can spell half of a surrogate pair, which no UTF-8 can hold.
        json.dumps(value, ensure_ascii=False).encode()
    except InvalidEvent:
        raise
    except RecursionError as error:
        raise InvalidEvent(Reason.SYNTAX, "It is nested too deeply.") from error
    except ValueError as error:
        raise InvalidEvent(Reason.SYNTAX, f"It is not JSON in UTF-8: {error}.") from error
    return value


def _fields(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        (twice, _), *_ = Counter(name for name, _ in pairs).most_common(1)
        raise InvalidEvent(Reason.DUPLICATE_FIELD, f"The field {twice!r} is given twice.")
    return fields


def _integer(digits: str) -> int | float:
    """Read an integer; one that is far beyond any bound of ours need not be exact."""
    return int(digits) if len(digits) < 100 else float(digits)


def _not_a_number(name: str) -> NoReturn:
    raise InvalidEvent(Reason.SYNTAX, f"{name} is not JSON.")


def _check(event: SentEvent, may_take_back: bool) -> None:
    if event.id is not UNSET and not ID_CHARACTERS.fullmatch(event.id):
        raise InvalidEvent(Reason.SCHEMA, "`id` is made of A-Z a-z 0-9 . _ : -")
    if event.site is not UNSET and not SITE_CHARACTERS.fullmatch(event.site):
        raise InvalidEvent(Reason.SCHEMA, "`site` is made of A-Z a-z 0-9 . _ -")
    if CONTROL_CHARACTERS.search(event.article_id):
        raise InvalidEvent(Reason.SCHEMA, "`article_id` holds a control character.")
    if event.delta == -1:
        if event.type == "view":
            raise InvalidEvent(Reason.VIEW_TAKEN_BACK, "A view cannot be taken back.")
        if not may_take_back:
            raise InvalidEvent(
                Reason.TOKEN_REQUIRED,
                "Taking back needs `Authorization: Bearer <token>` of the role emit.",
            )
