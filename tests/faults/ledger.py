"""Ledger of the clients: events accepted with 202, counted as simply as possible."""

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
class Ledger:
    """The events whose request was answered with 202, by id: each is to be counted once."""

    accepted: dict[str, SentEvent] = field(default_factory=dict)
    rejected: int = 0
    resent: int = 0
    repeated: int = 0

    def counters(self) -> dict[Key, Numbers]:
        """Return what every minute, hour and total must be."""
        tally: Tally[tuple[str, int, str, str]] = Tally()
        for event in self.accepted.values():
            second = event.timestamp // 1000
            windows = [("total", 0)]
            if not event.late:
                windows += [("minute", second - second % 60), ("hour", second - second % 3600)]
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
        """Return the ledger in one line."""
        return (
            f"{len(self.accepted):,} events answered with 202, {self.late():,} of them late; "
            f"{self.repeated:,} sent again on purpose, {self.resent:,} requests resent for want "
            f"of an answer, {self.rejected:,} lines rejected"
        )
