"""Ledger of the clients: what was accepted and refused, counted as simply as possible."""

from collections import Counter as Tally
from dataclasses import dataclass, field
from typing import NamedTuple

import orjson

Key = tuple[str, str, int, str]
"""Site, grain, start of the window in epoch seconds, article."""

Numbers = tuple[int, int, int]
"""Views, comments, likes."""

KINDS = ("view", "comment", "like")


class SentEvent(NamedTuple):
    """An event as a client sends it; `late` if it is too old for any window but the total."""

    id: str
    type: str
    article_id: str
    timestamp: int
    delta: int
    late: bool

    def line(self) -> bytes:
        """Return the event as the collector reads it."""
        event = self._asdict()
        del event["late"]
        if self.delta == 1:
            del event["delta"]
        return orjson.dumps(event)


@dataclass
class Outages:
    """Seconds from a 503 to the next 202 of any request."""

    total: float = 0.0
    longest: float = 0.0
    _since: float | None = None

    def refused(self, now: float) -> None:
        if self._since is None:
            self._since = now

    def accepted(self, now: float) -> None:
        if self._since is not None:
            self.total += now - self._since
            self.longest = max(self.longest, now - self._since)
            self._since = None


@dataclass
class Ledger:
    """The events whose request was answered with 202, by id: each is to be counted once."""

    accepted: dict[str, SentEvent] = field(default_factory=dict)
    given_up: int = 0
    """Events that were refused as not stored and not sent again: none may be counted."""
    rejected: int = 0
    resent: int = 0
    repeated: int = 0
    refusals: Tally[str] = field(default_factory=Tally)
    """Answers with 503 by the type of problem."""
    outages: Outages = field(default_factory=Outages)
    bursts: int = 0
    """Bursts of hostile records that were written into the log."""
    burst_views: Tally[str] = field(default_factory=Tally)
    """Views of the good events among them, by article."""
    forgotten: set[str] = field(default_factory=set)
    """Ids of accepted events that no counter may contain any more; their outcomes stay."""

    def forget(self, article_id: str) -> None:
        """Enter that an article, or all of them if it is empty, is forgotten."""
        self.forgotten |= {
            event.id for event in self.accepted.values() if article_id in ("", event.article_id)
        }
        if not article_id:
            self.burst_views.clear()

    def burst(self, views: Tally[str]) -> None:
        """Enter the good events of a burst of hostile records."""
        self.bursts += 1
        self.burst_views += views

    def counters(self) -> dict[Key, Numbers]:
        """Return what every minute, hour, week and total must be."""
        tally: Tally[tuple[str, int, str, str]] = Tally()
        for event in self.accepted.values():
            if event.id in self.forgotten:
                continue
            second = event.timestamp // 1000
            windows = [("total", 0)]
            if not event.late:
                monday = second - (second - 4 * 86_400) % (7 * 86_400)
                windows += [("minute", second - second % 60), ("hour", second - second % 3600)]
                windows.append(("week", monday))
            for grain, window in windows:
                tally[grain, window, event.article_id, event.type] += event.delta
        return {
            ("default", grain, window, article): (
                tally[grain, window, article, "view"],
                tally[grain, window, article, "comment"],
                tally[grain, window, article, "like"],
            )
            for grain, window, article in {key[:3] for key in tally}
        }

    def late(self) -> int:
        """Return how many of the events are late."""
        return sum(event.late for event in self.accepted.values())

    def summary(self) -> str:
        """Return the ledger in a few lines."""
        unknown = self.refusals["outcome-unknown"]
        return (
            f"{len(self.accepted) + self.given_up:,} events sent: {len(self.accepted):,} answered "
            f"with 202, {self.late():,} of them late, and {self.given_up:,} refused for good; "
            f"{self.repeated:,} sent again on purpose, {self.rejected:,} lines rejected\n"
            f"{self.resent:,} requests resent; {self.refusals.total():,} answers 503, "
            f"{unknown:,} of unknown outcome; no 202 for {self.outages.total:.1f} s in all, "
            f"{self.outages.longest:.1f} s at the longest\n"
            f"{self.burst_views.total():,} good events written in {self.bursts} hostile bursts\n"
            f"{len(self.forgotten):,} of the events answered with 202 were forgotten"
        )
