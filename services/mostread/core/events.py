"""An event as it stands in the log: one line of NDJSON in the value of a Kafka record.

The collector holds an event against the whole of schemas/event.schema.json before it writes
it. The log is open to other producers too, so what is read from it is checked again for all
that counting relies on: types, lengths, names without control characters, and that no view
is taken back. Of the schema it leaves out only what costs much and harms nobody: which
characters an id or a site is made of, and fields it does not know.
"""

from typing import Annotated, Literal

import msgspec

EventType = Literal["view", "comment", "like"]
Name64 = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
Name128 = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]

LATEST_TIMESTAMP = 4_102_444_799_999
"""The end of the year 2099 in milliseconds: beyond it a timestamp is a mistake of units."""

Timestamp = Annotated[int, msgspec.Meta(ge=0, le=LATEST_TIMESTAMP)]


# gc=False: events hold no references to containers, and a garbage collector that walks
# hundreds of thousands of them a second is the larger part of decoding them.
class Event(msgspec.Struct, gc=False, omit_defaults=True, frozen=True):
    """One reader did one thing with one article.

    `id` is the idempotency key, empty where the producer gave none. `timestamp` is in
    milliseconds since the epoch, None for "when the record was received". `delta` is 1, or
    -1 to take back a comment or a like.
    """

    type: EventType
    article_id: Name128
    id: Name64 = ""
    site: Name64 = "default"
    timestamp: Timestamp | None = None
    visitor: Name128 | None = None
    delta: Literal[1, -1] = 1


encode = msgspec.json.Encoder().encode


CANARY_SITE = "mostread.canary"
"""Where the canary's events count. No list that somebody reads is of this site."""
