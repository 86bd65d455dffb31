"""The digest of a day: when it is due, and what it contains."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from mostread.core.ranking.windows import day_start
from mostread.ops.notify.alerts import story
from mostread.ops.notify.messages import Digest, RankedStory
from mostread.ops.notify.ranking import Item, RankingReader
from mostread.ops.notify.state import Subject
from mostread.ops.notify.subscriptions import Subscription

STORIES = 10
"""Articles of a digest."""

KIND = "digest"


def subject_of(day: date) -> Subject:
    """Return the subject of the digest of a day."""
    return Subject(KIND, day.isoformat())


def due_day(subscription: Subscription, now: datetime) -> date | None:
    """Return the day whose digest is due: yesterday, from the subscription's hour to midnight."""
    local = now.astimezone(subscription.zone)
    at = subscription.digest_at
    if at is None or local.time().replace(tzinfo=None) < at.replace(tzinfo=None):
        return None
    return local.date() - timedelta(days=1)


async def compose(
    subscription: Subscription,
    day: date,
    selection: Sequence[tuple[str, str]],
    reader: RankingReader,
    public_url: str,
) -> Digest | None:
    """Return the digest of a day, None while not all its events are counted.

    `selection` are the query parameters of site, sections and languages. Raises Unavailable.
    """
    zone = subscription.zone
    end = day_start(day + timedelta(days=1), zone)
    listed = await reader.most_read(
        [
            *selection,
            ("window", "yesterday"),
            ("tz", subscription.timezone),
            ("compare", "day"),
            ("limit", str(STORIES)),
        ]
    )
    series = await reader.series(
        [
            *selection,
            ("grain", "day"),
            ("tz", subscription.timezone),
            ("from", day_start(day - timedelta(days=7), zone).isoformat()),
            ("to", end.isoformat()),
        ]
    )
    if listed.window.end != end:
        return None  # midnight passed, or the clocks differ
    if any(each.as_of is None or each.as_of < end for each in (listed, series)):
        return None
    return Digest(
        day,
        totals=series.steps[-1],
        day_before=series.steps[-2],
        week_before=series.steps[0],
        stories=[_line(each, subscription, public_url) for each in listed.items],
    )


def _line(item: Item, subscription: Subscription, public_url: str) -> RankedStory:
    return RankedStory(
        item.rank,
        item.previous_rank,
        story(item, subscription, public_url),
        item.window.views,
        item.compared.views if item.compared is not None else None,
    )
