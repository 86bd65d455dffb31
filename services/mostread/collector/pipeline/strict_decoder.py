"""Decode each event of a body alone, and explain rejections.

This uses the plain json module, which detects duplicate fields and treats numbers as JSON Schema
does (1.0 is an integer). It is slow and only runs where the fast decoder gives up.
"""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Any, NoReturn

import msgspec
from msgspec import UNSET

from mostread.collector.pipeline.event import (
    EARLIEST_TIMESTAMP,
    ID_CHARACTERS,
    SITE_CHARACTERS,
    SentEvent,
)
from mostread.core.article_ids import InvalidArticleId, clean
from mostread.core.events import LATEST_TIMESTAMP
from mostread.errors import InvalidEvent, NoValidEvent, TooManyEvents

MayRetract = Callable[[SentEvent], bool]
"""Whether a client may send this event of delta -1."""
CheckLike = Callable[[SentEvent], None]
"""Raises InvalidEvent for a like that the client may not send."""

_ELEMENTS = msgspec.json.Decoder(list[msgspec.Raw])
_INTEGERS = ("timestamp", "delta")
_REQUIRED = ("type", "article_id")
_MAX_DETAIL = 200


class RejectReason(StrEnum):
    """Why an event is rejected: a closed set, documented in schemas/collector.openapi.yaml."""

    SYNTAX = "syntax"
    DUPLICATE_FIELD = "duplicate_field"
    SCHEMA = "schema"
    VIEW_RETRACTED = "view_retracted"
    CLOCK = "clock"
    TOKEN_REQUIRED = "token_required"  # noqa: S105  a reason, not a token


class Rejection(msgspec.Struct):
    """An invalid event; `index` is its position in the request, from 0."""

    index: int
    reason: RejectReason
    detail: str


def no_valid_event(rejected: Sequence[Rejection]) -> NoValidEvent:
    """Return the error for a request without a valid event."""
    if rejected:
        detail = "No event was valid; see `rejected`. Sending the same events again will not help."
    else:
        detail = "The request contains no event. Send a JSON object, a JSON array, or NDJSON."
    return NoValidEvent(detail, [msgspec.to_builtins(rejection) for rejection in rejected])


def decode_each(
    body: bytes, *, may_retract: MayRetract, max_events: int, check_like: CheckLike | None = None
) -> tuple[list[SentEvent], list[Rejection]]:
    """Return the valid events of a body, and the rejections of the others."""
    try:
        elements = split(body.strip())
    except InvalidEvent as error:
        return [], [Rejection(0, RejectReason.SYNTAX, str(error)[:_MAX_DETAIL])]
    if len(elements) > max_events:
        raise TooManyEvents(len(elements), max_events)
    events: list[SentEvent] = []
    rejected: list[Rejection] = []
    for index, element in enumerate(elements):
        try:
            event = _decode_one(element, may_retract)
            if check_like is not None and event.type == "like" and event.delta != -1:
                check_like(event)
            events.append(event)
        except InvalidEvent as error:
            detail = str(error)[:_MAX_DETAIL]
            rejected.append(Rejection(index, RejectReason(error.reason), detail))
    return events, rejected


def split(body: bytes) -> list[bytes]:
    """Split a body into its elements. Raises InvalidEvent for an array that is not JSON.

    The end of a broken element in an array is unknown, so the whole array is rejected; in NDJSON
    only the broken line is.
    """
    if body[:1] == b"[":
        try:
            return [bytes(element) for element in _ELEMENTS.decode(body)]
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise InvalidEvent(RejectReason.SYNTAX, f"The array is not JSON: {error}.") from error
    try:
        msgspec.json.decode(body, type=msgspec.Raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return [line for line in body.split(b"\n") if line.strip()]
    return [body]  # one object, possibly on several lines


def _decode_one(element: bytes, may_retract: MayRetract) -> SentEvent:
    value = _parse(element)
    if not isinstance(value, dict):
        raise InvalidEvent(RejectReason.SCHEMA, "An event must be a JSON object.")
    # Many programs write null for a field they have no value for.
    value = {name: field for name, field in value.items() if field is not None or name in _REQUIRED}
    for name in _INTEGERS:
        number = value.get(name)
        if isinstance(number, float) and number.is_integer():
            value[name] = int(number)
    _check_values(value)
    try:
        event = msgspec.convert(value, SentEvent)
    except msgspec.ValidationError as error:
        raise InvalidEvent(RejectReason.SCHEMA, f"{error}.") from error
    _check(event, may_retract)
    return event


def _check_values(value: dict[str, Any]) -> None:
    """Clean the article id. Raises InvalidEvent for mistakes that msgspec explains less well."""
    article_id = value.get("article_id")
    if type(article_id) in (int, float):
        raise InvalidEvent(RejectReason.SCHEMA, "`article_id` is a number; send it as a string.")
    if isinstance(article_id, str):
        try:
            value["article_id"] = clean(article_id)
        except InvalidArticleId as error:
            raise InvalidEvent(RejectReason.SCHEMA, f"{error}.") from error
    timestamp = value.get("timestamp")
    if type(timestamp) is int and not EARLIEST_TIMESTAMP <= timestamp <= LATEST_TIMESTAMP:
        raise InvalidEvent(RejectReason.SCHEMA, f"`timestamp` {not_milliseconds(timestamp)}.")


def not_milliseconds(timestamp: int) -> str:
    """Return the problem of a number outside 1973 to 2099 in milliseconds, and the fix."""
    problem = "is after 2099: microseconds?"
    if timestamp < EARLIEST_TIMESTAMP:
        problem = "is before 1973: seconds?"
    return f"{problem} Send milliseconds since 1970, as Date.now() returns"


def _parse(element: bytes) -> Any:
    try:
        value = json.loads(
            element.decode(),
            object_pairs_hook=_unique_fields,
            parse_constant=_reject_constant,
            parse_int=_parse_integer,
        )
        # JSON can express half of a surrogate pair, which UTF-8 cannot.
        json.dumps(value, ensure_ascii=False).encode()
    except InvalidEvent:
        raise
    except RecursionError as error:
        raise InvalidEvent(RejectReason.SYNTAX, "The JSON is nested too deeply.") from error
    except ValueError as error:
        raise InvalidEvent(
            RejectReason.SYNTAX, f"The event is not JSON in UTF-8: {error}."
        ) from error
    return value


def _unique_fields(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        (name, _), *_ = Counter(name for name, _ in pairs).most_common(1)
        raise InvalidEvent(RejectReason.DUPLICATE_FIELD, f"The field {name!r} occurs twice.")
    return fields


def _parse_integer(digits: str) -> int | float:
    """Parse an integer; beyond 99 digits, which the schema rejects, as a float."""
    return int(digits) if len(digits) < 100 else float(digits)


def _reject_constant(name: str) -> NoReturn:
    raise InvalidEvent(RejectReason.SYNTAX, f"{name} is not JSON.")


def _check(event: SentEvent, may_retract: MayRetract) -> None:
    if event.id is not UNSET and not ID_CHARACTERS.fullmatch(event.id):
        raise InvalidEvent(RejectReason.SCHEMA, "`id` may contain A-Z a-z 0-9 . _ : - only.")
    if event.site is not UNSET and not SITE_CHARACTERS.fullmatch(event.site):
        raise InvalidEvent(RejectReason.SCHEMA, "`site` may contain A-Z a-z 0-9 . _ - only.")
    if event.delta == -1:
        if event.type == "view":
            raise InvalidEvent(
                RejectReason.VIEW_RETRACTED,
                "A view cannot be retracted; only a comment or a like can.",
            )
        if not may_retract(event):
            raise InvalidEvent(
                RejectReason.TOKEN_REQUIRED,
                "delta -1 needs `Authorization: Bearer <token>` with the role emit, or the "
                "`receipt` of a like, for 25 minutes.",
            )
