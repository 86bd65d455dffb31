"""Which valid events are not counted, on purpose: named steps in order, each with its reason.

A dropped event is answered 202 like any other, so that whoever sent it learns nothing, and
counted in mostread_collector_events_total. This is not where bad events are rejected:
decode.py does that, and its reasons are told to the client.

A step takes the events that the steps before it kept and returns those it keeps. It sees
events only; steps that look at the request (origin, user agent, Sec-Purpose, address, rate)
will take it as a second argument.
"""

from collections.abc import Callable
from enum import StrEnum

from msgspec import UNSET

from mostread.collector.event import SentEvent
from mostread.collector.settings import CollectorSettings

Step = Callable[[list[SentEvent]], list[SentEvent]]


class DropReason(StrEnum):
    """Why a valid event is not counted: a closed set."""

    UNKNOWN_SITE = "unknown_site"


class Admission:
    """The steps that the settings ask for."""

    def __init__(self, settings: CollectorSettings) -> None:
        steps: list[tuple[DropReason, Step]] = []
        if settings.sites:
            steps.append((DropReason.UNKNOWN_SITE, known_sites(settings.sites)))
        self.steps = tuple(steps)

    def admit(self, events: list[SentEvent]) -> tuple[list[SentEvent], dict[DropReason, int]]:
        """Return the events to count, and how many were dropped for which reason."""
        dropped: dict[DropReason, int] = {}
        for reason, step in self.steps:
            kept = step(events)
            if len(kept) < len(events):
                dropped[reason] = len(events) - len(kept)
            events = kept
        return events, dropped


def known_sites(sites: frozenset[str]) -> Step:
    """Keep the events of these sites; an event that names none is of the site "default"."""

    def keep(events: list[SentEvent]) -> list[SentEvent]:
        return [e for e in events if ("default" if e.site is UNSET else e.site) in sites]

    return keep
