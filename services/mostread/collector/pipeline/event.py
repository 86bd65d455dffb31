"""An event as a client sends it: schemas/event.schema.json as a type and two patterns."""

import re
from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from mostread.core.events import LATEST_TIMESTAMP, EventType, Name64, Name128

DEFAULT_SITE = "default"
ID_CHARACTERS = re.compile(r"[A-Za-z0-9._:-]+")
ID_BYTES = bytes(byte for byte in range(128) if ID_CHARACTERS.fullmatch(chr(byte)))
SITE_CHARACTERS = re.compile(r"[A-Za-z0-9._-]+")

EARLIEST_TIMESTAMP = 100_000_000_000
"""3 March 1973 in milliseconds; as seconds it is the year 5138. The clocks of devices without a
battery start later, mostly in 2000."""


# The patterns are not part of the type: msgspec would run a regular expression per field, which
# takes five times as long as the rest of decoding. decoder.py checks them, and the article id, in
# bulk.
class SentEvent(Struct, gc=False, forbid_unknown_fields=True):
    """An event with exactly the fields the client wrote.

    Fields the client left out are UNSET; the pipeline fills in `timestamp`, `visitor` and `id`, and
    removes `receipt`. Encoding the event then gives a line of the log (mostread.core.events.Event).
    """

    type: EventType
    article_id: Name128
    id: Name64 | UnsetType = UNSET
    site: Name64 | UnsetType = UNSET
    timestamp: Annotated[int, Meta(ge=EARLIEST_TIMESTAMP, le=LATEST_TIMESTAMP)] | UnsetType = UNSET
    visitor: Annotated[str, Meta(min_length=1, max_length=128)] | UnsetType = UNSET
    delta: Literal[1, -1] | UnsetType = UNSET
    receipt: Annotated[str, Meta(max_length=64)] | UnsetType = UNSET


def site_of(event: SentEvent) -> str:
    """Return the event's site, or the default one."""
    return DEFAULT_SITE if event.site is UNSET else event.site


def article_of(event: SentEvent) -> tuple[str, str]:
    """Return the event's site and article."""
    return site_of(event), event.article_id
