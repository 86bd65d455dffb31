"""What the collector adds to an event: an id and a time, where the client gave none."""

import os
from collections.abc import Iterable

from msgspec import UNSET

from mostread.collector.event import SentEvent


def stamp(events: Iterable[SentEvent], now_ms: int) -> None:
    """Give each event an id and a timestamp, in place.

    An id of our own is 128 random bits as 32 hexadecimal digits, from the kernel's generator:
    nobody can guess one and so make another reader's event a duplicate. A view's id will come
    from its visitor and the half hour, once the collector knows visitors.
    """
    for event in events:
        if event.id is UNSET:
            event.id = os.urandom(16).hex()
        if event.timestamp is UNSET:
            event.timestamp = now_ms
