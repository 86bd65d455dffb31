"""Events as stored in Kafka: one line of NDJSON in the value of a record.

The collector validates events against schemas/event.schema.json before writing them. Other
producers may write to the topic too, so the aggregator checks again everything that counting
relies on: types, lengths, names without control characters, and that no view is reverted. It
leaves out what is costly and harmless: the characters of an id or a site, and unknown fields.
"""

from typing import Annotated, Literal

import msgspec

EventType = Literal["view", "comment", "like"]
Name64 = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
Name128 = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]

PUBLIC = "~"
"""First character of an id in the log that came without a token. No client may send it, so nobody
can claim an id of a server."""

LogId = Annotated[str, msgspec.Meta(min_length=1, max_length=64 + len(PUBLIC))]

LATEST_TIMESTAMP = 4_102_444_799_999
"""End of the year 2099 in milliseconds; a later timestamp has the wrong unit."""

Timestamp = Annotated[int, msgspec.Meta(ge=0, le=LATEST_TIMESTAMP)]


# gc=False: events reference no containers, and the garbage collector walking hundreds of
# thousands of them per second would take most of the time of decoding.
class Event(msgspec.Struct, gc=False, omit_defaults=True, frozen=True):
    """One interaction of one reader with one article.

    `id` is the idempotency key among events of the same site, article, type and delta, empty if the
    producer sent none. `timestamp` is in milliseconds since the epoch, None for the time of the
    record. `delta` is 1, or -1 to revert a comment or a like.
    """

    type: EventType
    article_id: Name128
    id: LogId = ""
    site: Name64 = "default"
    timestamp: Timestamp | None = None
    visitor: Name128 | None = None
    delta: Literal[1, -1] = 1


encode = msgspec.json.Encoder().encode

CANARY_SITE = "mostread.canary"
"""Site of the canary's events, hidden from the site menu."""
