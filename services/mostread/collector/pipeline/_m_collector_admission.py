"""Which valid events are not counted, on purpose: named steps in order, each with its reason.

A dropped event is answered 202 like any other, so that whoever sent it learns nothing, and
counted in mostread_collector_events_total. This is not where bad events are rejected:
decode.py does that, and its reasons are told to the client.

A server, which has a token of the role emit, speaks for readers elsewhere: its own address,
browser and speed say nothing about them, so that only the step about sites is for it. Beside
the sites that are named it may send events of the canary's.
"""

from enum import StrEnum

from mostread.collector.pipeline import filters as steps
from mostread.collector.pipeline.event import SentEvent
from mostread.collector.pipeline._m_collector_sender import Sender
from mostread.collector.config import CollectorSettings
from mostread.collector.pipeline.sites import TYPES
from mostread.collector.pipeline.filters import Step
from mostread.core._m_engagement_site import CANARY_SITE


class DropReason(StrEnum):
    """Why a valid event is not counted: a closed set, in the order of the steps."""

    UNKNOWN_SITE = "unknown_site"
    TYPE_NOT_PUBLIC = "type_not_public"
    ORIGIN = "origin"
    BOT = "bot"
    PREFETCH = "prefetch"
    IGNORED_NETWORK = "ignored_network"
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
            self._for_servers = ((DropReason.UNKNOWN_SITE, steps.of_sites(sites)),)

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
        found[DropReason.UNKNOWN_SITE] = steps.of_sites(sites.named)
    if any(len(rules.public_types) < len(TYPES) for rules in sites.all_rules):
        found[DropReason.TYPE_NOT_PUBLIC] = steps.of_public_types(sites)
    if any(rules.origins for rules in sites.all_rules):
        found[DropReason.ORIGIN] = steps.from_allowed_origins(sites)
    found[DropReason.BOT] = steps.from_no_bot
    found[DropReason.PREFETCH] = steps.not_in_advance
    if any(rules.ignored for rules in sites.all_rules):
        found[DropReason.IGNORED_NETWORK] = steps.from_no_ignored_network(sites)
    if settings.opt_outs:
        found[DropReason.OPT_OUT] = steps.not_opted_out(settings.opt_outs)
    found[DropReason.RATE_LIMIT] = steps.Unhurried(
        settings.collector_address_events_per_hour,
        settings.collector_visitor_events_per_hour,
        settings.unlimited_networks,
    )
    return found
