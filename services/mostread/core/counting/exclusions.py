"""The events that counting leaves out, among those of some records."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mostread.core.events import Event
from mostread.core.exclusions import Exclusion

Mask = NDArray[np.bool_]
Times = NDArray[np.int64]


class Exclusions:
    """Exclusions in effect; false if there are none."""

    def __init__(self, exclusions: Sequence[Exclusion] = ()) -> None:
        self._by_site: dict[str, list[Exclusion]] = {}
        for each in exclusions:
            self._by_site.setdefault(each.site, []).append(each)
        self._start = min((each.start for each in exclusions), default=0)
        self._end = max((each.end for each in exclusions), default=0)

    def __bool__(self) -> bool:
        return bool(self._by_site)

    def match(self, events: Sequence[Event], times: Times) -> Mask:
        """Return which events to leave out; `times` are those at which they count (ms)."""
        matched: Mask = np.zeros(len(events), np.bool_)
        for index in np.flatnonzero((times >= self._start) & (times < self._end)).tolist():
            event, time = events[index], times[index]
            matched[index] = any(
                each.start <= time < each.end
                and each.article_id in ("", event.article_id)
                and each.visitor in ("", event.visitor)
                for each in self._by_site.get(event.site, ())
            )
        return matched


class AllExcept(Exclusions):
    """Leaves out all events but those that `before` counts and `after` does not."""

    def __init__(self, before: Exclusions, after: Exclusions) -> None:
        super().__init__()
        self._before = before
        self._after = after

    def __bool__(self) -> bool:
        return True

    def match(self, events: Sequence[Event], times: Times) -> Mask:
        mask: Mask = self._before.match(events, times) | ~self._after.match(events, times)
        return mask


NO_EXCLUSIONS = Exclusions()
