"""An event as a client sends it: schemas/event.schema.json as a type and three checks."""

import re
from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from mostread.core.events import EventType, Name64, Name128, Timestamp

ID_CHARACTERS = re.compile(r"[A-Za-z0-9._:-]+")
ID_BYTES = bytes(byte for byte in range(128) if ID_CHARACTERS.fullmatch(chr(byte)))
SITE_CHARACTERS = re.compile(r"[A-Za-z0-9._-]+")
CONTROL_CHARACTERS = re.compile(r"[\x00-\x1f]")


# The patterns are not in the type: msgspec would run a regular expression for each field,
# which takes five times as long as all the rest of decoding. decode.py checks them in bulk.
class SentEvent(Struct, gc=False, forbid_unknown_fields=True):
    """What a client wrote, and nothing it did not: encoding it again gives the same fields.

    What the client left out is UNSET until `stamp` fills in `id` and `timestamp`; then it is
    encoded as a line of the log (mostread.core.events.Event).
    """

    type: EventType
    article_id: Name128
    id: Name64 | UnsetType = UNSET
    site: Name64 | UnsetType = UNSET
    timestamp: Timestamp | UnsetType = UNSET
    visitor: Annotated[str, Meta(min_length=1, max_length=128)] | UnsetType = UNSET
    delta: Literal[1, -1] | UnsetType = UNSET
