"""What a list can be ordered by beside plain counts: a weighted score, and what is trending.

**Score.** The sum of the views, comments and likes, each times its weight. With a half-life an
event weighs less the older it is: 2 ** (-age / half-life), the law of exponential decay. Events
have the age of their hour: how long ago it ended, 0 while it lasts. So the score changes
smoothly, and the hour's rows are enough to read.

**Trending.** The views of the last hour (seen) against what the article's own last day lets one
expect, as a ratio that few views cannot make large:

    log2((seen + 1/2) / (expected + 1/2)) - 3.3 (seen + 1/2) ** (-1/2) - 2 (seen + 1/2) ** (-3/2)

That is the lower limit of the 95 % credibility interval of the information component, as
approximated in G. N. Norén, J. Hopstadius, A. Bate: Shrinkage observed-to-expected ratios for
robust and transparent large-scale pattern discovery. Statistical Methods in Medical Research
22 (2013), 57-69. A value of 1 says: surely twice what was to be expected, or more.

Expected is the article's views an hour over its last 24 hours, or as many of them as it has been
there. One younger than an hour has no such past: what is missing of the hour is taken from the
site, as what the article that an average view of that day went to was read in an hour.
"""

from datetime import datetime, timedelta

from mostread.core.counting.counters import HOUR
from mostread.core.ranking.buckets import Bucket, Weighing

FULL = 1_000_000
"""What an event of age 0 weighs: decay is in whole millionths, so that sums do not depend on
the order in which they are added up."""

TRENDING_WINDOW = "1h"
TRENDING_PAST = timedelta(hours=24)


def decayed(counted: Weighing, until: datetime, half_life: timedelta | None) -> Weighing:
    """Return how many millionths each row weighs at `until`, with its decay where there is one.

    Totals do not decay: they have no time.
    """
    return {
        bucket: times * _weight(bucket, int(until.timestamp()), half_life)
        for bucket, times in counted.items()
    }


def _weight(bucket: Bucket, until: int, half_life: timedelta | None) -> int:
    if half_life is None or bucket.grain == "total":
        return FULL
    hour_end = bucket.start - bucket.start % HOUR + HOUR
    age = max(0, until - hour_end)
    return round(FULL * 2 ** (-age / half_life.total_seconds()))
