"""Load the demo's articles and events, exactly once."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from mostread.core.retention import RESEND_LIMIT_SECONDS
from mostread.devstack.demo import scenario
from mostread.devstack.demo.api import DemoApi, DemoRanking, poll
from mostread.devstack.demo.scenario import CountedArticle, DemoArticle, DemoArticles, DemoCounts
from mostread.errors import Misconfigured
from mostread.infra import clock


async def load(
    api: DemoApi, articles: DemoArticles, token: str, report: Callable[[str], None]
) -> int:
    """Load what is missing; return the time of the load in milliseconds.

    The system itself stores that time, as the publication time of the articles: events are sent
    only once it can be read back, so it is known wherever any event is. Raises Misconfigured
    where a load was interrupted too long ago to be completed.
    """
    now = clock.now_ms()
    first = articles.counted[0]
    published = (await api.article(first)).published_at
    if published is None:
        await _publish(api, (*articles.counted, *articles.further), now, token, report)
        await _send(api, articles.counted, now, report)
        return now
    at_ms = scenario.loaded_at(first, round(published.timestamp() * 1000))
    await counted_until(api, now)
    totals = [(await api.article(article)).total for article in articles.counted]
    if all(map(_reaches, totals, articles.counted)):
        report("The ten articles are loaded already; nothing is loaded again.")
        return at_ms
    if now - at_ms > RESEND_LIMIT_SECONDS * 1000:
        raise Misconfigured(
            "loading the demo was interrupted too long ago to resume, since event ids are "
            "deduplicated for 30 minutes; choose an empty directory with --data"
        )
    # The same events with the same ids: no event is counted twice.
    report("Loading was interrupted; resuming it. No event is counted twice.")
    await _publish(api, (*articles.counted, *articles.further), at_ms, token, report)
    await _send(api, articles.counted, at_ms, report)
    return at_ms


async def counted_until(api: DemoApi, time_ms: int) -> DemoRanking:
    """Return the list once it counts all events received up to `time_ms`."""

    async def counted() -> DemoRanking | None:
        ranking = await api.most_read()
        if ranking.as_of is None or ranking.as_of.timestamp() * 1000 < time_ms:
            return None
        return ranking

    return await poll("counting the events", counted)


async def _publish(
    api: DemoApi,
    articles: Sequence[DemoArticle],
    at_ms: int,
    token: str,
    report: Callable[[str], None],
) -> None:
    report("Publishing the articles ...")
    await asyncio.gather(*(api.describe(article, at_ms, token) for article in articles))

    for article in articles:

        async def published(article: DemoArticle = article) -> datetime | None:
            return (await api.article(article)).published_at

        await poll(f"publishing {article.article_id}", published)


async def _send(
    api: DemoApi, articles: Iterable[CountedArticle], at_ms: int, report: Callable[[str], None]
) -> None:
    events = scenario.events(articles, at_ms)
    report(f"Sending {len(events)} views, comments and likes to the collector ...")
    await api.send(events)


def _reaches(counts: DemoCounts, article: CountedArticle) -> bool:
    total = article.total
    return (
        counts.views >= total.views
        and counts.comments >= total.comments
        and counts.likes >= total.likes
    )
