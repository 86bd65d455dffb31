"""Detect articles whose views come from few visitors."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from mostread.core.ranking.windows import HOUR, Window

_MAX_LOOKBACK = timedelta(days=7)


class VisitorsRow(msgspec.Struct, frozen=True):
    """Visitor statistics of an article over its sampled views.

    The ten busiest visitors made `busiest` of the `views`. Up to 63 `visitors` are counted
    exactly, more are estimated.
    """

    present_id: str
    views: int
    busiest: int
    visitors: int


class Integrity(msgspec.Struct, frozen=True):
    """Visitor statistics of an article as the API reports them.

    `visitors` made the `sampled_views`, of which the ten busiest made the part `top_share`.
    Lists leave `quarantined` articles out unless a request includes them.
    """

    sampled_views: int
    visitors: int
    top_share: float
    suspicious: bool
    approved: bool
    quarantined: bool


@dataclass(frozen=True, slots=True)
class IntegrityPolicy:
    """Operator settings: which articles are suspicious, and which are quarantined."""

    top10_share: float = 0.5
    min_views: int = 100
    quarantine: bool = False
    min_visitors: int = 0

    @property
    def quarantines(self) -> bool:
        """Whether the policy can quarantine any article."""
        return self.quarantine or self.min_visitors > 0

    def assess(
        self, row: VisitorsRow | None, views: int, *, approved: bool, pinned: bool
    ) -> Integrity | None:
        """Return the integrity of an article with `views` in the window, None without data.

        Each view outside the sample counts as a separate visitor. An article that an editor
        `approved` or `pinned` is not quarantined.
        """
        sampled = row.views if row else 0
        visitors = row.visitors if row else 0
        busiest = row.busiest if row else 0
        suspicious = sampled >= self.min_views and busiest > self.top10_share * sampled
        few = visitors + max(0, views - sampled) < self.min_visitors
        quarantined = not (approved or pinned) and (few or (suspicious and self.quarantine))
        if not sampled and not quarantined:
            return None
        top_share = round(busiest / sampled, 4) if sampled else 0.0
        return Integrity(sampled, visitors, top_share, suspicious, approved, quarantined)


def visitor_hours(window: Window, now: datetime) -> tuple[datetime, datetime]:
    """Return the whole hours to examine, at most the last week of the window."""
    start = max(window.start, now - _MAX_LOOKBACK)
    return start.replace(minute=0, second=0, microsecond=0), window.end + HOUR
