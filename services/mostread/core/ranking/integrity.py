"""Whether as many people read an article as its numbers let one think."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from mostread.core.ranking.windows import Window

_LOOKED_BACK = timedelta(days=7)
_HOUR = timedelta(hours=1)


class VisitorsRow(msgspec.Struct, frozen=True):
    """What is known of the visitors of an article, of those views that were looked at.

    `busiest` of the `views` are of the ten visitors who viewed it most. Up to 63 `visitors` are
    counted, more are estimated.
    """

    article_id: str
    views: int
    busiest: int
    visitors: int


@dataclass(frozen=True, slots=True)
class Integrity:
    """What is said of an article's visitors; the counts beside it are exact.

    `sampled_views` were looked at, of `visitors` visitors; `top_share` is the part of them that
    are of the ten busiest. One that is `quarantined` is in no list that is not asked for such.
    """

    sampled_views: int
    visitors: int
    top_share: float
    suspicious: bool
    approved: bool
    quarantined: bool


@dataclass(frozen=True, slots=True)
class Rules:
    """What an operator sets: which articles are suspicious, and which are not listed."""

    top10_share: float = 0.5
    min_views: int = 100
    quarantine: bool = False
    min_visitors: int = 0

    @property
    def quarantines(self) -> bool:
        """Whether any article could be kept out."""
        return self.quarantine or self.min_visitors > 0

    def integrity(
        self, row: VisitorsRow | None, views: int, *, approved: bool, pinned: bool
    ) -> Integrity | None:
        """Return what is known of an article with so many `views` in the window, if anything is.

        Of the views that were not looked at, each is taken to be of another visitor. What an
        editor has `approved` or `pinned` is not held back.
        """
        seen = row.views if row else 0
        visitors = row.visitors if row else 0
        busiest = row.busiest if row else 0
        suspicious = seen >= self.min_views and busiest > self.top10_share * seen
        few = visitors + max(0, views - seen) < self.min_visitors
        quarantined = not (approved or pinned) and (few or (suspicious and self.quarantine))
        if not seen and not quarantined:
            return None
        top_share = round(busiest / seen, 4) if seen else 0.0
        return Integrity(seen, visitors, top_share, suspicious, approved, quarantined)


def hours_of(window: Window, now: datetime) -> tuple[datetime, datetime]:
    """Return the whole hours in which visitors are looked at: a week of them at most."""
    start = max(window.start, now - _LOOKED_BACK)
    return start.replace(minute=0, second=0, microsecond=0), window.end + _HOUR
