"""The steps of admission: each takes events and who sent them, and returns those it keeps."""

import time
from collections import Counter
from collections.abc import Callable, Collection
from enum import StrEnum

from msgspec import UNSET, UnsetType

from mostread.collector.config import CollectorSettings
from mostread.collector.pipeline.client_info import Sender
from mostread.collector.pipeline.event import SentEvent
from mostread.collector.pipeline.ip import Networks
from mostread.collector.pipeline.rate_limit import RateLimit
from mostread.collector.pipeline.sites import TYPES, Sites
from mostread.core.bots import is_bot
from mostread.core.events import CANARY_SITE

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


def from_no_excluded_network(sites: Sites) -> Step:
    """Keep the events of readers who are not, say, the newsroom itself."""

    def keep(events: list[SentEvent], sender: Sender) -> list[SentEvent]:
        return _where(events, lambda site: sender.address not in sites[site].excluded_networks)

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


class DropReason(StrEnum):
    """Why a valid event is not counted: a closed set, in the order of the steps."""

    UNKNOWN_SITE = "unknown_site"
    TYPE_NOT_PUBLIC = "type_not_public"
    ORIGIN = "origin"
    BOT = "bot"
    PREFETCH = "prefetch"
    EXCLUDED_NETWORK = "excluded_network"
    OPT_OUT = "opt_out"
    RATE_LIMIT = "rate_limit"


Dropped = dict[DropReason, int]


class Admission:
    """The steps that the settings ask for; each takes what the steps before it kept."""

    def __init__(self, settings: CollectorSettings) -> None:
        self._for_the_public = tuple(_steps(settings).items())
        self._for_servers: tuple[tuple[DropReason, Step], ...] = ()
        if (named := settings.sites.named) is not None:
            sites = {*named, CANARY_SITE}
            self._for_servers = ((DropReason.UNKNOWN_SITE, of_sites(sites)),)

    def admit(self, events: list[SentEvent], sender: Sender) -> tuple[list[SentEvent], Dropped]:
        """Return the events to count, and how many were dropped for which reason."""
        dropped: Dropped = {}
        for reason, step in self._for_servers if sender.is_server else self._for_the_public:
            kept = step(events, sender)
            if len(kept) < len(events):
                dropped[reason] = len(events) - len(kept)
                if not kept:
                    return kept, dropped
                events = kept
        return events, dropped


def _steps(settings: CollectorSettings) -> dict[DropReason, Step]:
    """Return the steps in their order, without those that could drop nothing."""
    sites = settings.sites
    found: dict[DropReason, Step] = {}
    if sites.named is not None:
        found[DropReason.UNKNOWN_SITE] = of_sites(sites.named)
    if any(len(rules.public_types) < len(TYPES) for rules in sites.all_rules):
        found[DropReason.TYPE_NOT_PUBLIC] = of_public_types(sites)
    if any(rules.origins for rules in sites.all_rules):
        found[DropReason.ORIGIN] = from_allowed_origins(sites)
    found[DropReason.BOT] = from_no_bot
    found[DropReason.PREFETCH] = not_in_advance
    if any(rules.excluded_networks for rules in sites.all_rules):
        found[DropReason.EXCLUDED_NETWORK] = from_no_excluded_network(sites)
    if settings.opt_outs:
        found[DropReason.OPT_OUT] = not_opted_out(settings.opt_outs)
    found[DropReason.RATE_LIMIT] = Unhurried(
        settings.collector_rate_limit_per_address_hour,
        settings.collector_rate_limit_per_visitor_hour,
        settings.unlimited_networks,
    )
    return found
