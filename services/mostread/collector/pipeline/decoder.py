"""From the bytes of a request to events: all at once where all is well, else one by one.

A body is one JSON object, a JSON array of objects, or NDJSON; its first character tells, not
its Content-Type. The quick way decodes the whole body in one pass and checks in bulk what the
type does not say. If anything is unusual it gives up without saying what, and the careful way
(careful.py) looks at each event alone, so that a bad one costs only itself.
"""

from typing import NamedTuple

from msgspec import UNSET, DecodeError, ValidationError
from msgspec.json import Decoder, Encoder

from mostread.collector.pipeline.event import ID_BYTES, SITE_CHARACTERS, SentEvent
from mostread.collector.pipeline.strict_decoder import Rejection, decode_each

_ARRAY = Decoder(list[SentEvent])
_STREAM = Decoder(SentEvent)
_ENCODER = Encoder()


class Decoded(NamedTuple):
    """The valid events of a request in their order, and what became of the others."""

    events: list[SentEvent]
    rejected: list[Rejection]


def decode(body: bytes, *, may_take_back: bool, max_events: int) -> Decoded:
    """Return the events of a body; no body is so bad that this raises anything but one error.

    `may_take_back`: whether the caller may send events of delta -1. Raises TooManyEvents
    where there are more than `max_events`, valid or not.
    """
    events = _decode_all(body, may_take_back)
    if events is None or len(events) > max_events:
        return Decoded(*decode_each(body, may_take_back=may_take_back, max_events=max_events))
    return Decoded(events, [])


def _decode_all(body: bytes, may_take_back: bool) -> list[SentEvent] | None:
    """Return all events of a body, or None where any of them might break the contract."""
    try:
        if body[:1] == b"[":
            events = _ARRAY.decode(body)
        else:
            events = _STREAM.decode_lines(body)
            if len(events) > 1 + body.count(b"\n"):  # several on a line is not NDJSON
                return None
    except (DecodeError, ValidationError, UnicodeDecodeError, RecursionError):
        return None
    return events if _is_plain(body, events) and _may_send(events, may_take_back) else None


def _is_plain(body: bytes, events: list[SentEvent]) -> bool:
    """Whether the names surely hold no other characters than they may, and no field is twice."""
    # Without an escape no string can hold a control character, and every colon that stands in
    # a string of the body stands in one of the event too. So the event encoded again has as
    # many colons as before, unless a field was given twice.
    if b"\\" in body or body.count(b":") != _ENCODER.encode_lines(events).count(b":"):
        return False
    ids = "".join([event.id for event in events if event.id is not UNSET])
    if ids.encode().translate(None, ID_BYTES):
        return False
    sites = {event.site for event in events}
    return all(site is UNSET or SITE_CHARACTERS.fullmatch(site) for site in sites)


def _may_send(events: list[SentEvent], may_take_back: bool) -> bool:
    """Whether nothing is taken back that cannot be, or not by this caller."""
    if -1 not in [event.delta for event in events]:  # searched in C: few take something back
        return True
    return all(e.delta != -1 or (may_take_back and e.type != "view") for e in events)
