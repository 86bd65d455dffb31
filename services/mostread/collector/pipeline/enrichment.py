"""Steps that complete the events of a request: timestamp, visitor and id."""

import os
from collections.abc import Callable

from msgspec import UNSET

from mostread.collector.pipeline.client_info import ClientInfo
from mostread.collector.pipeline.event import DEFAULT_SITE, SentEvent
from mostread.collector.pipeline.rate_limit import RECENT_MS
from mostread.collector.pipeline.receipts import RECEIPTED, counted_at
from mostread.collector.pipeline.visitor_id import DAY_MS, IdHasher
from mostread.core.events import PUBLIC

Apply = Callable[[list[SentEvent], ClientInfo, int], None]
"""Completes events in place; also gets the current time in milliseconds."""


def set_timestamp(events: list[SentEvent], client: ClientInfo, now_ms: int) -> None:
    """Set missing timestamps, and correct the others by the client's clock error.

    A server's clock is assumed to be correct.
    """
    sent_at = None if client.is_server else client.sent_at
    for event in events:
        if event.timestamp is UNSET:
            event.timestamp = now_ms
        elif sent_at is not None:
            event.timestamp = corrected(event.timestamp, sent_at, now_ms)


def corrected(timestamp: int, sent_at: int, now_ms: int) -> int:
    """Return a client's timestamp by the collector's clock; its age stays the same.

    An event cannot happen after it was sent; such a timestamp becomes the current time.
    """
    return max(0, now_ms - max(0, sent_at - timestamp))


def visitor_id_setter(hasher: IdHasher) -> Apply:
    """Set missing visitors to a hash of client network and user agent.

    Events of a server get none, because its address is not a reader's.
    """

    def set_visitor_id(events: list[SentEvent], client: ClientInfo, now_ms: int) -> None:
        if not client.address or client.is_server:
            return
        cache: dict[tuple[str, int], str] = {}
        for event in events:
            if event.visitor is UNSET:
                at_ms = _recent(event.timestamp, now_ms)  # type: ignore[arg-type]  # is set
                site = DEFAULT_SITE if event.site is UNSET else event.site
                key = (site, at_ms // DAY_MS)
                visitor = cache.get(key)
                if visitor is None:
                    visitor = cache[key] = hasher.visitor_id(
                        site, client.network, client.user_agent, at_ms
                    )
                event.visitor = visitor

    return set_visitor_id


def event_id_setter(hasher: IdHasher) -> Apply:
    """Set missing ids: reproducible for views with a visitor, random for other events.

    Random ids have 128 bits from the kernel's generator, so nobody can guess one and turn another
    reader's event into a duplicate.
    """

    def set_event_id(events: list[SentEvent], client: ClientInfo, now_ms: int) -> None:
        for event in events:
            if event.id is not UNSET:
                continue
            if event.type != "view" or event.visitor is UNSET:
                event.id = os.urandom(16).hex()
            else:
                at_ms: int = event.timestamp  # type: ignore[assignment]  # set by set_timestamp
                if not client.is_server:
                    at_ms = _recent(at_ms, now_ms)
                site = DEFAULT_SITE if event.site is UNSET else event.site
                event.id = hasher.view_id(site, event.article_id, event.visitor, at_ms)

    return set_event_id


def _recent(at_ms: int, now_ms: int) -> int:
    """Return the time within the last half hour that is nearest to a time that a client claims.

    A reader who claims other times would otherwise be a visitor for every day, and view an article
    in every half hour, all at once.
    """
    return min(max(at_ms, now_ms - RECENT_MS), now_ms)


def mark_public_ids(events: list[SentEvent], client: ClientInfo, _: int) -> None:
    """Mark ids that came without a token, so that none can equal the id of a server's event."""
    wants_receipts = client.wants_receipts
    for event in events:
        event.receipt = UNSET
        if client.is_server:
            continue
        if event.delta == -1 or (wants_receipts and event.type == "like"):
            event.timestamp = counted_at(event)
            event.id = f"{RECEIPTED}{event.id}"
        else:
            event.id = f"{PUBLIC}{event.id}"
