"""Getting the demo's articles and events into the system, once and whole."""

import asyncio
from collections.abc import Callable, Iterable, Sequence

from mostread.devstack.demo import scenario as plan
from mostread.devstack.demo.api import MostRead, Site, until
from mostread.devstack.demo.scenario import Article, Articles, CountedArticle, Counts
from mostread.errors import Misconfigured
from mostread.infra import clock
from mostread.ops.loadgen.runner import RESEND_SECONDS


async def load(site: Site, articles: Articles, token: str, report: Callable[[str], None]) -> int:
    """Load what is not there yet; return when it was loaded, in milliseconds.

    The moment is kept in the system itself, as the time the articles were published: events
    are sent only when that can be read back, so whoever finds any of them finds it too.
    Raises Misconfigured where a load was broken off too long ago to be completed.
    """
    now = clock.now_ms()
    first = articles.counted[0]
    published = (await site.known(first)).published_at
    if published is None:
        await _publish(site, (*articles.counted, *articles.further), now, token, report)
        await _send(site, articles.counted, now, report)
        return now
    at_ms = plan.loaded_at(first, round(published.timestamp() * 1000))
    await counted_until(site, now)
    found = [(await site.known(article)).total for article in articles.counted]
    if all(map(_reaches, found, articles.counted)):
        report("The ten articles are in this folder already; nothing is loaded again.")
        return at_ms
    if now - at_ms > RESEND_SECONDS * 1000:
        raise Misconfigured(
            "loading the demo was broken off, and too long ago to go on: ids of events are "
            "remembered for 30 minutes. Choose an empty folder with --data"
        )
    # The same events with the same ids: those that are counted already are not counted again.
    report("Loading was broken off; it is done again, and nothing counts twice.")
    await _publish(site, (*articles.counted, *articles.further), at_ms, token, report)
    await _send(site, articles.counted, at_ms, report)
    return at_ms


async def counted_until(site: Site, moment_ms: int) -> MostRead:
    """Return the list as soon as all that was received up to a moment is counted in it."""

    async def counted() -> MostRead | None:
        listed = await site.most_read()
        if listed.as_of is None or listed.as_of.timestamp() * 1000 < moment_ms:
            return None
        return listed

    return await until("the events are counted", counted)


async def _publish(
    site: Site,
    articles: Sequence[Article],
    at_ms: int,
    token: str,
    report: Callable[[str], None],
) -> None:
    report("Publishing the articles ...")
    await asyncio.gather(*(site.describe(article, at_ms, token) for article in articles))

    async def known() -> bool | None:
        every = await asyncio.gather(*(site.known(article) for article in articles))
        return None if any(article.published_at is None for article in every) else True

    await until("the articles are known", known)


async def _send(
    site: Site, articles: Iterable[CountedArticle], at_ms: int, report: Callable[[str], None]
) -> None:
    events = plan.events(articles, at_ms)
    report(f"Sending {len(events)} views, comments and likes to the collector ...")
    await site.send(events)


def _reaches(found: Counts, article: CountedArticle) -> bool:
    total = article.total
    return (
        found.views >= total.views
        and found.comments >= total.comments
        and found.likes >= total.likes
    )
