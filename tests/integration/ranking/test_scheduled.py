"""Articles that the CMS schedules, by a time of publication in the future."""

from datetime import timedelta
from functools import partial

from mostread.ranking.app import ranking_app
from mostread.ranking.config import RankingSettings
from tests.support.http import client_of
from tests.support.ranking import NOW, Counted, Service, Site

MINUTE = timedelta(minutes=1)


async def test_scheduled_article_is_in_no_list_or_feed(
    service: Service, site: Site, counted: Counted
) -> None:
    url = "https://example.com/"
    counted.article("out", published_at=NOW - MINUTE, url=url)
    counted.article("scheduled", published_at=NOW + 24 * 60 * MINUTE, pinned=1, url=url)
    counted.article("pinned by an editor", published_at=NOW + 2 * MINUTE)
    counted.decision("pinned by an editor", pinned=1, hidden=False)
    counted.article("from a CMS whose clock is ahead", published_at=NOW + MINUTE)
    for article_id in ("scheduled", "pinned by an editor", "from a CMS whose clock is ahead"):
        counted.event(article_id, NOW, views=40)
    counted.event("out", NOW, views=1)
    counted.write()
    for parameters in ({}, {"published_within": "1h"}, {"by": "score"}, {"window": "all"}):
        listed = await site.ids(**parameters)
        assert listed == ["from a CMS whose clock is ahead", "out"], parameters
    assert await site.ids(by="trending") == ["from a CMS whose clock is ahead"]
    for path in ("/feed.xml", "/feed.json", "/v1/most-read.html"):
        body = await (await service.get(f"{path}?site={site.name}")).text()
        assert "Title of out" in body
        assert "Title of scheduled" not in body


async def test_scheduled_article_is_listed_at_its_time(
    ranking_settings: RankingSettings, counted: Counted
) -> None:
    counted.article("scheduled", published_at=NOW + 30 * MINUTE)
    counted.event("scheduled", NOW, views=40)
    counted.write()
    for minutes, listed in ((28, []), (30, ["scheduled"])):
        later = int((NOW + minutes * MINUTE).timestamp() * 1000)
        async with (
            ranking_app(ranking_settings, clock=partial(int, later)) as app,
            client_of(app) as client,
        ):
            assert await Site(client, counted.site).ids() == listed
