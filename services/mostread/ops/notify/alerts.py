"""Find what rises, falls and is marked in lists of the ranking service."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

from mostread.core.ranking.trends import MIN_EXPECTED, TRENDING_WINDOW
from mostread.ops.notify.messages import Alert, Story
from mostread.ops.notify.ranking import Item
from mostread.ops.notify.state import Subject, TopStory
from mostread.ops.notify.subscriptions import Subscription
from mostread.ranking.pages.urls import article_page

VISITORS_WINDOW = "24h"
"""Window whose visitors decide whether an article is marked."""

MAX_ALERTS = 20
"""Alerts of one message; the next check reports the others."""


class Lists(NamedTuple):
    """The lists that a subscription asks about, each empty unless an alert needs it."""

    most_read: Sequence[Item] = ()
    trending: Sequence[Item] = ()
    visitors: Sequence[Item] = ()


def find_alerts(
    subscription: Subscription,
    lists: Lists,
    remembered: Mapping[str, TopStory],
    withdrawn: Collection[str],
    public_url: str,
) -> list[Alert]:
    """Return all alerts, reported before or not.

    `remembered` was in the top within the last hour. `withdrawn` articles of it are not listed any
    more, since an editor hid them, for example.
    """
    alerts: list[Alert] = []
    if "rises" in subscription.alerts:
        alerts += _rises(subscription, lists, remembered, public_url)
    if "falls" in subscription.alerts:
        alerts += _falls(subscription, lists.most_read, remembered, withdrawn)
    if "marked" in subscription.alerts:
        alerts += _marked(lists.visitors, subscription, public_url)
    return alerts


def unreported(alerts: Sequence[Alert], reported: Collection[Subject]) -> list[Alert]:
    """Return the alerts to report now, at most MAX_ALERTS."""
    return [each for each in alerts if subject_of(each) not in reported][:MAX_ALERTS]


def subject_of(alert: Alert) -> Subject:
    """Return what makes two alerts the same one."""
    return Subject(alert.kind, alert.story.article_id)


def in_top(items: Sequence[Item], top: int) -> list[Item]:
    """Return the articles of the top."""
    return [each for each in items if each.rank <= top]


def left_top(
    items: Sequence[Item], remembered: Mapping[str, TopStory], top: int
) -> dict[str, Item | None]:
    """Return the remembered articles that are no longer in the top, with their place in the list.

    None: the list does not contain the article.
    """
    by_id = {each.article_id: each for each in items}
    return {
        article_id: by_id.get(article_id)
        for article_id in remembered
        if article_id not in by_id or by_id[article_id].rank > top
    }


def story(item: Item, subscription: Subscription, public_url: str) -> Story:
    """Return an article as messages of a subscription name it."""
    page = article_page(item.article_id, site=subscription.site, lang=subscription.lang)
    return Story(item.article_id, item.title, item.url, item.section, public_url + (page or ""))


def _rises(
    subscription: Subscription,
    lists: Lists,
    remembered: Mapping[str, TopStory],
    public_url: str,
) -> Iterator[Alert]:
    """Yield articles that were not in the top within the last hour, or have unusual views."""
    top = subscription.top
    surges = {
        each.article_id: each
        for each in lists.trending
        if each.trend is not None
        and each.trend.observed >= subscription.min_views
        and each.trend.ratio >= subscription.times
    }
    for item in in_top(lists.most_read, top):
        was_below = item.previous_rank is None or item.previous_rank > top
        enters = was_below and item.article_id not in remembered
        surge = surges.pop(item.article_id, None)
        if enters or surge:
            yield Alert(
                "rises",
                story(item, subscription, public_url),
                item.window.views,
                subscription.window,
                rank=item.rank if enters else None,
                previous_rank=item.previous_rank if enters else None,
                times=_times(surge) if surge else None,
            )
    for item in surges.values():
        if item.trend is not None:
            yield Alert(
                "rises",
                story(item, subscription, public_url),
                item.trend.observed,
                TRENDING_WINDOW,
                times=_times(item),
            )


def _times(item: Item) -> float | None:
    """Return the multiple of the usual views, None if next to none are usual."""
    return item.trend.ratio if item.trend and item.trend.expected > MIN_EXPECTED else None


def _falls(
    subscription: Subscription,
    items: Sequence[Item],
    remembered: Mapping[str, TopStory],
    withdrawn: Collection[str],
) -> Iterator[Alert]:
    for article_id, item in left_top(items, remembered, subscription.top).items():
        if article_id in withdrawn:
            continue
        before = item.previous_rank if item is not None else None
        if before is None or before > subscription.top:
            before = remembered[article_id].rank
        yield Alert(
            "falls",
            remembered[article_id].story,
            item.window.views if item is not None else 0,
            subscription.window,
            rank=item.rank if item is not None else None,
            previous_rank=before,
        )


def _marked(items: Sequence[Item], subscription: Subscription, public_url: str) -> Iterator[Alert]:
    for item in items:
        integrity = item.integrity
        if integrity is not None and integrity.suspicious and not integrity.approved:
            yield Alert(
                "marked",
                story(item, subscription, public_url),
                item.window.views,
                VISITORS_WINDOW,
                top_share=integrity.top_share,
            )
