"""The ordered steps between decoding a request and delivery.

Filters come first: each drops events for one `DropReason`, and the first filter that rejects an
event decides. Enrichment then fills in what the client left out. `_steps` lists all of them in
order. A server with a token of the role emit vouches for its readers, so of the filters only
`known_site` and `site_of_token` apply to its events.
"""

import re
from collections.abc import Callable, Collection, Hashable
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import NamedTuple

from msgspec import UNSET

from mostread.collector.config import MAX_EVENTS, CollectorSettings
from mostread.collector.pipeline.client_info import ClientInfo
from mostread.collector.pipeline.decoder import decode
from mostread.collector.pipeline.enrichment import (
    Apply,
    event_id_setter,
    mark_public_ids,
    set_timestamp,
    visitor_id_setter,
)
from mostread.collector.pipeline.event import DEFAULT_SITE, SentEvent, article_of, site_of
from mostread.collector.pipeline.rate_limit import DistinctFilter, RateLimitFilter
from mostread.collector.pipeline.receipts import Receipts
from mostread.collector.pipeline.sites import TYPES, Sites
from mostread.collector.pipeline.strict_decoder import Rejection
from mostread.collector.pipeline.visitor_id import IdHasher, new_id_hasher
from mostread.core.bots import BotRule
from mostread.core.events import CANARY_SITE

PREFETCH_HEADERS = ("Sec-Purpose", "Purpose", "X-Purpose", "X-Moz")
_SPECULATIVE = re.compile("prefetch|prerender|preview", re.IGNORECASE)


class DropReason(StrEnum):
    """Why a valid event is not counted: a closed set, in the order of the filters."""

    UNKNOWN_SITE = "unknown_site"
    TYPE_NOT_PUBLIC = "type_not_public"
    ORIGIN = "origin"
    BOT = "bot"
    PREFETCH = "prefetch"
    EXCLUDED_NETWORK = "excluded_network"
    OPT_OUT = "opt_out"
    RATE_LIMIT = "rate_limit"
    TOO_MANY_SITES = "too_many_sites"
    TOO_MANY_ARTICLES = "too_many_articles"


Keep = Callable[[list[SentEvent], ClientInfo], list[SentEvent]]
Dropped = dict[DropReason, int]


@dataclass(frozen=True)
class Filter:
    """A step that drops events: `keep` returns the others, in their order."""

    name: DropReason
    keep: Keep
    for_servers: bool = False
    for_readers: bool = True


@dataclass(frozen=True)
class Enrichment:
    """A step that completes events in place; `apply` also gets the current time (ms)."""

    name: str
    apply: Apply


Step = Filter | Enrichment


class IngestResult(NamedTuple):
    """The outcome of one request; `events` are complete and ready for delivery.

    `receipts` holds those of likes by the client's ids, None if it asked for none.
    """

    events: list[SentEvent]
    dropped: Dropped
    rejected: list[Rejection]
    receipts: dict[str, str] | None = None
    bot_pattern: str | None = None
    """The pattern by which events were dropped as a bot's."""

    @property
    def has_valid_events(self) -> bool:
        return bool(self.events or self.dropped)


class Pipeline:
    """Decode, filter and enrich the events of a request. Stateless except for rate limits."""

    def __init__(self, settings: CollectorSettings) -> None:
        hasher = new_id_hasher(settings.collector_visitor_secret.get_secret_value())
        self._receipts = Receipts(hasher)
        self._bot_rule = settings.bot_rule
        self.steps = _steps(settings, hasher, self._bot_rule)
        # Unpacked once: attribute lookups are noticeable in a request with a single event.
        filters = [step for step in self.steps if isinstance(step, Filter)]
        self._filters = [(step.name, step.keep) for step in filters if step.for_readers]
        self._server_filters = [(step.name, step.keep) for step in filters if step.for_servers]
        self._enrich = [step.apply for step in self.steps if isinstance(step, Enrichment)]

    def process(self, body: bytes, client: ClientInfo, now_ms: int) -> IngestResult:
        """Return what to deliver of `body`, and what happened to its other events.

        Raises TooManyEvents.
        """
        events, rejected = decode(
            body,
            may_retract=_always
            if client.is_server
            else partial(self._receipts.may_retract, now_ms=now_ms),
            max_events=MAX_EVENTS,
            check_like=self._receipts.like_checker(now_ms) if client.wants_receipts else None,
        )
        receipts: dict[str, str] | None = None
        dropped: Dropped = {}
        if events:
            events, dropped = self.filter(events, client)
        if client.wants_receipts:
            likes = [event for event in events if event.type == "like" and event.delta != -1]
            receipts = {str(like.id): self._receipts.issue(like) for like in likes}
        if events:
            self.enrich(events, client, now_ms)
        bot_pattern = None
        if DropReason.BOT in dropped:
            bot_pattern = self._bot_rule.bot_pattern(client.user_agent)
        return IngestResult(events, dropped, rejected, receipts, bot_pattern)

    def filter(
        self, events: list[SentEvent], client: ClientInfo
    ) -> tuple[list[SentEvent], Dropped]:
        """Return the events that pass all filters, and the number dropped for each reason."""
        dropped: Dropped = {}
        for reason, keep in self._server_filters if client.is_server else self._filters:
            kept = keep(events, client)
            if len(kept) < len(events):
                dropped[reason] = dropped.get(reason, 0) + len(events) - len(kept)
                events = kept
                if not events:
                    break
        return events, dropped

    def enrich(self, events: list[SentEvent], client: ClientInfo, now_ms: int) -> None:
        """Complete the events in place."""
        for apply in self._enrich:
            apply(events, client, now_ms)


def _always(_: SentEvent) -> bool:
    return True


def _steps(settings: CollectorSettings, hasher: IdHasher, bot_rule: BotRule) -> tuple[Step, ...]:
    """Return the steps in order, without filters that the settings make ineffective."""
    sites = settings.sites
    steps: tuple[Step | None, ...] = (
        known_site(sites),
        Filter(DropReason.UNKNOWN_SITE, site_of_token, for_servers=True, for_readers=False),
        public_type(sites),
        allowed_origin(sites),
        Filter(DropReason.BOT, not_bot(bot_rule)),
        Filter(DropReason.PREFETCH, not_prefetch),
        not_excluded_network(sites),
        not_opted_out(settings.opt_out_headers),
        Filter(
            DropReason.RATE_LIMIT,
            RateLimitFilter(
                settings.collector_rate_limit_per_address_hour,
                settings.collector_rate_limit_per_visitor_hour,
                settings.collector_rate_limit_past_per_address_hour,
                settings.rate_limit_exempt_networks,
            ),
        ),
        few_distinct(
            DropReason.TOO_MANY_SITES,
            site_of,
            settings.collector_rate_limit_sites_per_address_minute,
            settings,
        ),
        few_distinct(
            DropReason.TOO_MANY_ARTICLES,
            article_of,
            settings.collector_rate_limit_articles_per_address_minute,
            settings,
        ),
        Enrichment("timestamp", set_timestamp),
        Enrichment("visitor_id", visitor_id_setter(hasher)),
        Enrichment("event_id", event_id_setter(hasher)),
        Enrichment("public_id", mark_public_ids),
    )
    return tuple(step for step in steps if step is not None)


# Filters


def known_site(sites: Sites) -> Filter | None:
    """Keep events of the configured sites; servers may also send those of the canary."""
    if sites.named is None:
        return None
    public = frozenset(sites.named)
    trusted = public | {CANARY_SITE}

    def keep(events: list[SentEvent], client: ClientInfo) -> list[SentEvent]:
        return _where_site(events, (trusted if client.is_server else public).__contains__)

    return Filter(DropReason.UNKNOWN_SITE, keep, for_servers=True)


def site_of_token(events: list[SentEvent], client: ClientInfo) -> list[SentEvent]:
    """Keep events of the sites that the token of a server is for."""
    return _where_site(events, client.sites.__contains__) if client.sites else events


def public_type(sites: Sites) -> Filter | None:
    """Keep events of types that need no token."""
    if all(len(rules.public_types) == len(TYPES) for rules in sites.all_rules):
        return None

    def keep(events: list[SentEvent], _: ClientInfo) -> list[SentEvent]:
        return [event for event in events if event.type in sites[site_of(event)].public_types]

    return Filter(DropReason.TYPE_NOT_PUBLIC, keep)


def allowed_origin(sites: Sites) -> Filter | None:
    """Keep events from the site's own pages, and events that no page sent.

    A browser always sends `Origin` with a POST. It requests an image without it, usually with
    the page's origin as `Referer`; a mail program sends neither.
    """
    if not any(rules.origins for rules in sites.all_rules):
        return None

    def keep(events: list[SentEvent], client: ClientInfo) -> list[SentEvent]:
        origin = client.origin
        if origin is None:
            return events
        return _where_site(events, lambda site: sites[site].allows_origin(origin))

    return Filter(DropReason.ORIGIN, keep)


def not_bot(rule: BotRule) -> Keep:
    """Keep events of clients whose user agent is not a bot's."""

    def keep(events: list[SentEvent], client: ClientInfo) -> list[SentEvent]:
        return [] if rule.bot_pattern(client.user_agent) else events

    return keep


def not_prefetch(events: list[SentEvent], client: ClientInfo) -> list[SentEvent]:
    """Keep events of pages that were not loaded ahead of a visit."""
    for name in PREFETCH_HEADERS:
        if (purpose := client.headers.get(name)) and _SPECULATIVE.search(purpose):
            return []
    return events


def not_excluded_network(sites: Sites) -> Filter | None:
    """Keep events from outside the excluded networks, such as the publisher's own."""
    if not any(rules.excluded_networks for rules in sites.all_rules):
        return None

    def keep(events: list[SentEvent], client: ClientInfo) -> list[SentEvent]:
        return _where_site(events, lambda site: client.address not in sites[site].excluded_networks)

    return Filter(DropReason.EXCLUDED_NETWORK, keep)


def not_opted_out(headers: Collection[str]) -> Filter | None:
    """Keep events of readers whose browsers send none of the opt-out `headers`."""
    if not headers:
        return None

    def keep(events: list[SentEvent], client: ClientInfo) -> list[SentEvent]:
        return [] if any(client.headers.get(name) == "1" for name in headers) else events

    return Filter(DropReason.OPT_OUT, keep)


def few_distinct(
    name: DropReason,
    value_of: Callable[[SentEvent], Hashable],
    per_minute: int,
    settings: CollectorSettings,
) -> Filter | None:
    """Keep events of the first values that a client network sends in a minute.

    Returns None where sites are named, since no client can invent one there.
    """
    if settings.sites.named is not None or not per_minute:
        return None
    return Filter(name, DistinctFilter(per_minute, value_of, settings.rate_limit_exempt_networks))


def _where_site(events: list[SentEvent], allowed: Callable[[str], bool]) -> list[SentEvent]:
    """Return the events of sites that are `allowed`, which is called once per site."""
    verdicts = {
        site: allowed(DEFAULT_SITE if site is UNSET else site)
        for site in {event.site for event in events}
    }
    if all(verdicts.values()):
        return events
    return [event for event in events if verdicts[event.site]]
