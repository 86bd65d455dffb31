"""The usual views, against which trending lists compare the last hour.

**Expected views.** An article's views per hour, were all hours alike, have a gamma distribution.
Until it is read, that is as if the site's typical article had been observed for one hour; its
views of the day before the last hour then update it (gamma-Poisson shrinkage, as in W. DuMouchel,
Bayesian data mining in large frequency tables, The American Statistician 53 (1999), 177-190):

    expected = exposure * (typical + day_before) / (1 + exposure_before)

but at least MIN_EXPECTED, and at least a tenth of `typical`. Exposures are hours of usual
activity since publication, or since the first view if that was earlier: busy hours count more than
those of the night. So a new article is held against the typical one, for the minutes that it
exists, and an old one against itself.

**Surprise.** How many standard deviations the views of the last hour are above the expected ones:
the deviance residual of a negative binomial distribution (P. McCullagh, J. A. Nelder, Generalized
Linear Models, 2nd ed. 1989, section 2.4.3; J. M. Hilbe, Negative Binomial Regression, 2nd ed.
2011) of the shape k:

    sqrt(2 (n log(n / expected) - (n + k) log((n + k) / (expected + k))))
    1 / k = 1 / 9 + 1 / (typical + day_before)

The first term of 1 / k is the spread between hours in which nothing happens: a standard deviation
of a third of the mean. The second one is the uncertainty of `expected`. A popular article
therefore trends from about twice its usual views on, and one with few readers has to rise further.

sql/ranked_list.sql computes both.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from mostread.core.ranking.windows import HOUR

TRENDING_WINDOW = "1h"
TRENDING_BASELINE = timedelta(hours=24)

MIN_SURPRISE = 2.0
"""Standard deviations above which an article is trending."""

MIN_EXPECTED = 1.0
"""Expected views are at least these; a multiple of them says nothing."""

PROFILE_HOURS = 7 * 24
"""How many hours of a site's views the activity by hour of the day comes from."""

_LEAST_PROFILE_HOURS = 2 * 24
_SMOOTHING = 10
"""Views added to each hour of the day, so that chance does not shape the day of a small site."""


class Usual(NamedTuple):
    """The usual activity of a site at one time.

    `activity[0]` is the activity of the last hour, `activity[1]` to `activity[24]` of the hours
    before, latest first; the mean over a whole day is 1. `typical` is the views of the typical
    article in an hour of activity 1.
    """

    typical: float = 0.0
    activity: tuple[float, ...] = (1.0,) * 25


def usual(end: datetime, hourly: Sequence[int], best_hour: float) -> Usual:
    """Return what is usual at `end`, in UTC.

    `hourly` are the site's views in the PROFILE_HOURS whole hours before the current one, oldest
    first, and `best_hour` the views of the typical article in its best hour of the last day.
    """
    this_hour = end.replace(minute=0, second=0, microsecond=0)
    profile = _profile(this_hour, hourly)
    counted = next((n for n, views in enumerate(hourly) if views), len(hourly))
    first_counted = this_hour - HOUR * (len(hourly) - counted)
    into_hour = (end - this_hour) / HOUR
    activity = []
    for n in range(25):
        hour = (this_hour.hour - n) % 24
        mixed = into_hour * profile[hour] + (1 - into_hour) * profile[hour - 1]
        # No article had views to count before the site's counting began.
        uncounted = n and end - n * HOUR <= first_counted
        activity.append(0.0 if uncounted else mixed)
    return Usual(best_hour / max(profile), tuple(activity))


def _profile(this_hour: datetime, hourly: Sequence[int]) -> list[float]:
    """Return the activity by hour of the day in UTC, whose mean is 1."""
    counted = list(hourly)
    while counted and not counted[0]:
        del counted[0]
    if len(counted) < _LEAST_PROFILE_HOURS:
        return [1.0] * 24
    by_hour: list[list[int]] = [[] for _ in range(24)]
    for n, views in enumerate(reversed(counted), 1):
        by_hour[(this_hour.hour - n) % 24].append(views)
    # The latest hours of the day may have one more day.
    means = [sum(days) / len(days) for days in by_hour]
    mean = sum(means) / 24 + _SMOOTHING
    return [(each + _SMOOTHING) / mean for each in means]
