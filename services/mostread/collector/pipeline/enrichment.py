"""What the collector adds to an event: its time, its visitor and its id, where it had none."""

import os
from collections.abc import Iterable

from msgspec import UNSET

from mostread.collector.pipeline.client_info import Sender
from mostread.collector.pipeline.event import SentEvent
from mostread.collector.pipeline.visitor_id import DAY_MS, Identity


class Stamp:
    """Completes events, in place."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity

    def complete(
        self, events: Iterable[SentEvent], sender: Sender, now_ms: int, sent_at: int | None
    ) -> None:
        """Give each event a timestamp, a visitor where one can be told, and an id.

        `sent_at` is what the sender's clock showed when it sent them, None where it did not
        say. A server's clock is taken to be right.
        """
        if sender.is_server:
            sent_at = None
        of_address = bool(sender.address) and not sender.is_server
        known: dict[tuple[str, int], str] = {}
        for event in events:
            at_ms = event.timestamp
            if at_ms is UNSET:
                at_ms = event.timestamp = now_ms
            elif sent_at is not None:
                at_ms = event.timestamp = corrected(at_ms, sent_at, now_ms)
            if event.visitor is UNSET and of_address:
                place = ("default" if event.site is UNSET else event.site, at_ms // DAY_MS)
                visitor = known.get(place)
                if visitor is None:
                    visitor = known[place] = self._identity.visitor(
                        place[0], sender.household, sender.user_agent, at_ms
                    )
                event.visitor = visitor
            if event.id is UNSET:
                event.id = self._id(event, at_ms)

    def _id(self, event: SentEvent, at_ms: int) -> str:
        """Return the id of a view that anybody would give it again, else a random one.

        Nobody can guess 128 bits from the kernel's generator, and so make another reader's
        event a duplicate.
        """
        if event.type != "view" or event.visitor is UNSET:
            return os.urandom(16).hex()
        site = "default" if event.site is UNSET else event.site
        return self._identity.view(site, event.article_id, event.visitor, at_ms)


def corrected(timestamp: int, sent_at: int, now_ms: int) -> int:
    """Return when an event happened by our clock: as long ago as it was by the sender's.

    By no clock does an event happen after it was sent; then it happened just now.
    """
    return max(0, now_ms - max(0, sent_at - timestamp))
