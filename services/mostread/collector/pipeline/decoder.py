"""Decode a request body into events, in one pass if possible, else one by one.

A body is a JSON object, a JSON array of objects, or NDJSON; its first character decides, not its
Content-Type. The fast path decodes the whole body in one pass and checks in bulk what the type
does not express. If anything is unusual it gives up without a reason, and strict_decoder.py
examines each event alone, so that an invalid event affects no other.
"""

from typing import NamedTuple

from msgspec import UNSET, DecodeError, ValidationError
from msgspec.json import Decoder, Encoder

from mostread.collector.pipeline.event import ID_BYTES, SITE_CHARACTERS, SentEvent
from mostread.collector.pipeline.strict_decoder import (
    CheckLike,
    MayRetract,
    Rejection,
    decode_each,
)
from mostread.core.article_ids import are_clean

_ARRAY = Decoder(list[SentEvent])
_STREAM = Decoder(SentEvent)
_ENCODER = Encoder()


class DecodedBody(NamedTuple):
    """The valid events of a request in order, and the rejections of the others."""

    events: list[SentEvent]
    rejected: list[Rejection]


def decode(
    body: bytes, *, may_retract: MayRetract, max_events: int, check_like: CheckLike | None = None
) -> DecodedBody:
    """Return the events of a body, and the rejections of invalid ones.

    `may_retract` tells whether the client may send an event of delta -1, `check_like` examines
    other likes. Raises TooManyEvents if the body has more than `max_events`, valid or not, and
    nothing else for any bytes.
    """
    events = None if check_like else _decode_fast(body, may_retract)
    if events is None or len(events) > max_events:
        return DecodedBody(
            *decode_each(
                body, may_retract=may_retract, max_events=max_events, check_like=check_like
            )
        )
    return DecodedBody(events, [])


def _decode_fast(body: bytes, may_retract: MayRetract) -> list[SentEvent] | None:
    """Return all events of a body, or None if any of them might violate the contract."""
    try:
        if body[:1] == b"[":
            events = _ARRAY.decode(body)
        else:
            events = _STREAM.decode_lines(body)
            if len(events) > 1 + body.count(b"\n"):  # several on one line are not NDJSON
                return None
    except (DecodeError, ValidationError, UnicodeDecodeError, RecursionError):
        return None
    return events if _is_plain(body, events) and _may_send(events, may_retract) else None


def _is_plain(body: bytes, events: list[SentEvent]) -> bool:
    """Return whether all names have valid characters and no field occurs twice."""
    # Without an escape no string contains a control character, and every colon inside a string
    # of the body is inside a string of the event too. The event encoded again therefore has as
    # many colons as before, unless a field occurred twice.
    if b"\\" in body or body.count(b":") != _ENCODER.encode_lines(events).count(b":"):
        return False
    ids = "".join([event.id for event in events if event.id is not UNSET])
    if ids.encode().translate(None, ID_BYTES):
        return False
    if not are_clean([event.article_id for event in events]):
        return False
    sites = {event.site for event in events}
    return all(site is UNSET or SITE_CHARACTERS.fullmatch(site) for site in sites)


def _may_send(events: list[SentEvent], may_retract: MayRetract) -> bool:
    """Return whether the client may send every event of delta -1."""
    if -1 not in [event.delta for event in events]:  # searched in C: retractions are rare
        return True
    return all(e.delta != -1 or (e.type != "view" and may_retract(e)) for e in events)
