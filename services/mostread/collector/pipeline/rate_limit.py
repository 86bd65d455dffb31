"""Limits per client network and per visitor, in bounded memory."""

import time
from collections import Counter
from collections.abc import Callable, Hashable, Iterable

from msgspec import UNSET, UnsetType

from mostread.collector.pipeline.client_info import ClientInfo
from mostread.collector.pipeline.event import SentEvent
from mostread.infra import clock
from mostread.infra.http.networks import Networks

BURST_SECONDS = 600.0
"""Unused allowance is saved for ten minutes: that much may arrive at once."""

PAST_BURST_SECONDS = 3600.0
"""An app that was offline sends at once what it has stored."""

RECENT_MS = 30 * 60 * 1000
"""A client resends an event for 25 minutes; an older one belongs to the past."""

MAX_SOURCES = 50_000
"""Sources per generation; there are two generations."""

MAX_PAIRS = 200_000
"""Pairs of a source and a value that a DistinctLimit stores, 80 to 170 bytes each."""


class RateLimit:
    """Allow each source `per_hour` events, with a burst of `burst_seconds` worth.

    This is the generic cell rate algorithm (ITU-T I.371): for each source only the time is stored
    at which its bucket would be full again. A source that has been silent until then equals an
    unknown one, so forgetting it loses nothing. Sources are stored in two generations; the older
    one is dropped after `burst_seconds`, or sooner if the younger one is full. An active source is
    always in the younger one.
    """

    def __init__(
        self,
        per_hour: int,
        max_sources: int = MAX_SOURCES,
        burst_seconds: float = BURST_SECONDS,
    ) -> None:
        self._interval = 3600 / per_hour
        self._burst = max(burst_seconds, self._interval)
        self._max_sources = max_sources
        self._young: dict[int, float] = {}
        self._old: dict[int, float] = {}
        self._rotated_at = 0.0

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def allow(self, source: int, wanted: int, now: float) -> int:
        """Return how many of `wanted` events may pass at `now`, in seconds of a steady clock."""
        if len(self._young) >= self._max_sources or now - self._rotated_at > self._burst:
            self._old, self._young, self._rotated_at = self._young, {}, now
        full_at = self._young.get(source) or self._old.get(source, now)
        full_at = max(full_at, now)
        allowed = int((now + self._burst - full_at) / self._interval + 1e-6)
        allowed = min(allowed, wanted)
        self._young[source] = full_at + allowed * self._interval
        return allowed


class DistinctLimit:
    """Allow each source `per_minute` distinct values in every minute.

    All sources share the minute. It ends sooner when MAX_PAIRS are stored, and with it all that is
    known of the sources.
    """

    def __init__(self, per_minute: int, max_pairs: int = MAX_PAIRS) -> None:
        self._per_minute = per_minute
        self._max_pairs = max_pairs
        self._pairs: set[int] = set()
        self._counts: dict[int, int] = {}
        self._began_at = 0.0

    def __len__(self) -> int:
        return len(self._pairs)

    def refused(self, source: int, values: Iterable[Hashable], now: float) -> set[Hashable]:
        """Return the values that may not pass at `now`, in seconds of a steady clock."""
        refused = set()
        for value in values:
            if len(self._pairs) >= self._max_pairs or now - self._began_at >= 60:
                self._pairs, self._counts, self._began_at = set(), {}, now
            pair = hash((source, value))
            if pair in self._pairs:
                continue
            count = self._counts.get(source, 0)
            if count < self._per_minute:
                self._counts[source] = count + 1
                self._pairs.add(pair)
            else:
                refused.add(value)
        return refused


class DistinctFilter:
    """Limit the distinct values of `value_of` per client network; drop events of others."""

    def __init__(
        self,
        per_network_minute: int,
        value_of: Callable[[SentEvent], Hashable],
        exempt_networks: Networks,
    ) -> None:
        self._limit = DistinctLimit(per_network_minute)
        self._value_of = value_of
        self._exempt_networks = exempt_networks

    def __call__(self, events: list[SentEvent], client: ClientInfo) -> list[SentEvent]:
        if not client.address or client.address in self._exempt_networks:
            return events
        value_of = self._value_of
        # Without duplicates and in order: the first values of a request pass.
        values = dict.fromkeys(map(value_of, events))
        refused = self._limit.refused(hash(client.network), values, time.monotonic())
        if not refused:
            return events
        return [event for event in events if value_of(event) not in refused]


class RateLimitFilter:
    """Limit events per client network and per visitor; drop those beyond the limits.

    Events of the past have a limit of their own: an address that sends events of the same past hour
    in every hour of a day adds no more to it than to the current one.
    """

    def __init__(
        self,
        per_network_hour: int,
        per_visitor_hour: int,
        past_per_network_hour: int,
        exempt_networks: Networks,
    ) -> None:
        """Limit events per hour; 0 means no limit."""
        self._networks = RateLimit(per_network_hour) if per_network_hour else None
        self._visitors = RateLimit(per_visitor_hour) if per_visitor_hour else None
        self._past = (
            RateLimit(past_per_network_hour, burst_seconds=PAST_BURST_SECONDS)
            if past_per_network_hour
            else None
        )
        self._exempt_networks = exempt_networks

    def __call__(self, events: list[SentEvent], client: ClientInfo) -> list[SentEvent]:
        if not client.address or client.address in self._exempt_networks:
            return events
        now = time.monotonic()
        if self._visitors is not None:
            events = _limit_visitors(self._visitors, events, client, now)
        if self._past is not None:
            events = _limit_past(self._past, events, client, now)
        if self._networks is not None and events:
            allowed = self._networks.allow(hash(client.network), len(events), now)
            events = events if allowed == len(events) else events[:allowed]
        return events


def _limit_past(
    limit: RateLimit, events: list[SentEvent], client: ClientInfo, now: float
) -> list[SentEvent]:
    oldest = (clock.now_ms() if client.sent_at is None else client.sent_at) - RECENT_MS
    past = [event for event in events if event.timestamp is not UNSET and event.timestamp < oldest]
    if not past:
        return events
    allowed = limit.allow(hash(client.network), len(past), now)
    refused = set(map(id, past[allowed:]))
    return [event for event in events if id(event) not in refused]


def _limit_visitors(
    limit: RateLimit, events: list[SentEvent], client: ClientInfo, now: float
) -> list[SentEvent]:
    if len(events) == 1:
        source = _visitor_source(client, events[0].visitor)
        return events if limit.allow(source, 1, now) else []
    wanted = Counter([event.visitor for event in events])
    remaining = {
        visitor: limit.allow(_visitor_source(client, visitor), count, now)
        for visitor, count in wanted.items()
    }
    if remaining == wanted:
        return events
    kept = []
    for event in events:
        if remaining[event.visitor]:
            remaining[event.visitor] -= 1
            kept.append(event)
    return kept


def _visitor_source(client: ClientInfo, visitor: str | UnsetType) -> int:
    # Includes the network, so that a client elsewhere cannot use up a visitor's allowance.
    return hash((client.network, client.user_agent if visitor is UNSET else visitor))
