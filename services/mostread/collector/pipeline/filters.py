"""The steps of admission: each takes events and who sent them, and returns those it keeps."""

import time
from collections import Counter
from collections.abc import Callable, Collection

from msgspec import UNSET, UnsetType

from mostread.core.bots import is_bot
from mostread.collector.pipeline.event import SentEvent
from mostread.collector.pipeline.ip import Networks
from mostread.collector.pipeline.rate_limit import RateLimit
from mostread.collector.pipeline._m_collector_sender import Sender
from mostread.collector.pipeline.sites import Sites

Step = Callable[[list[SentEvent], Sender], list[SentEvent]]

PREFETCH_HEADERS = ("Sec-Purpose", "Purpose", "X-Moz")


def of_sites(names: Collection[str]) -> Step:
    """Keep the events of these sites."""
    return lambda events, _: _where(events, names.__contains__)


def of_public_types(sites: Sites) -> Step:
    """Keep the events of types that everybody may send."""

    def keep(events: list[SentEvent], _: Sender) -> list[SentEvent]:
        return [event for event in events if event.type in sites[_site(event)].public_types]

    return keep


def from_allowed_origins(sites: Sites) -> Step:
    """Keep the events that no page sent, or one of the site's own.

    A browser always says `Origin` where it posts. A picture is asked for without it, mostly
    with the page's origin as `Referer`; a mail program says neither.
    """

    def keep(events: list[SentEvent], sender: Sender) -> list[SentEvent]:
        origin = sender.origin
        if origin is None:
            return events
        return _where(events, lambda site: sites[site].lets_in(origin))

    return keep


def from_no_bot(events: list[SentEvent], sender: Sender) -> list[SentEvent]:
    """Keep the events of whoever does not say that it is a program."""
    return [] if is_bot(sender.user_agent) else events


def not_in_advance(events: list[SentEvent], sender: Sender) -> list[SentEvent]:
    """Keep what a browser does for a reader, not what it fetches in case one comes."""
    for name in PREFETCH_HEADERS:
        if "prefetch" in sender.headers.get(name, ""):
            return []
    return events


def from_no_ignored_network(sites: Sites) -> Step:
    """Keep the events of readers who are not, say, the newsroom itself."""

    def keep(events: list[SentEvent], sender: Sender) -> list[SentEvent]:
        return _where(events, lambda site: sender.address not in sites[site].ignored)

    return keep


def not_opted_out(headers: Collection[str]) -> Step:
    """Keep the events of readers whose browser does not ask by one of `headers` not to be."""

    def keep(events: list[SentEvent], sender: Sender) -> list[SentEvent]:
        return [] if any(sender.headers.get(name) == "1" for name in headers) else events

    return keep


class Unhurried:
    """Keep as many events of an address, and of each visitor of it, as readers send."""

    def __init__(self, address_an_hour: int, visitor_an_hour: int, unlimited: Networks) -> None:
        """Limit to so many events an hour; 0 is no limit."""
        self._addresses = RateLimit(address_an_hour) if address_an_hour else None
        self._visitors = RateLimit(visitor_an_hour) if visitor_an_hour else None
        self._unlimited = unlimited

    def __call__(self, events: list[SentEvent], sender: Sender) -> list[SentEvent]:
        if not sender.address or sender.address in self._unlimited:
            return events
        now = time.monotonic()
        if self._visitors is not None:
            events = _of_visitors(self._visitors, events, sender, now)
        if self._addresses is not None and events:
            taken = self._addresses.take(hash(sender.household), len(events), now)
            events = events if taken == len(events) else events[:taken]
        return events


def _of_visitors(
    limit: RateLimit, events: list[SentEvent], sender: Sender, now: float
) -> list[SentEvent]:
    if len(events) == 1:
        source = _source(sender, events[0].visitor)
        return events if limit.take(source, 1, now) else []
    wanted = Counter([event.visitor for event in events])
    left = {
        visitor: limit.take(_source(sender, visitor), count, now)
        for visitor, count in wanted.items()
    }
    if left == wanted:
        return events
    kept = []
    for event in events:
        if left[event.visitor]:
            left[event.visitor] -= 1
            kept.append(event)
    return kept


def _source(sender: Sender, visitor: str | UnsetType) -> int:
    # With the address: else somebody elsewhere could use up what a visitor may.
    return hash((sender.household, sender.user_agent if visitor is UNSET else visitor))


def _where(events: list[SentEvent], allowed: Callable[[str], bool]) -> list[SentEvent]:
    """Return the events of sites that are `allowed`, which is asked once a site."""
    verdicts = {site: allowed("default" if site is UNSET else site) for site in _sites(events)}
    if all(verdicts.values()):
        return events
    return [event for event in events if verdicts[event.site]]


def _sites(events: list[SentEvent]) -> set[str | UnsetType]:
    return {event.site for event in events}


def _site(event: SentEvent) -> str:
    return "default" if event.site is UNSET else event.site
