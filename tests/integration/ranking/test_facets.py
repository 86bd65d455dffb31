"""Values that lists can be filtered by."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from clickhouse_connect.driver.client import Client

import mostread.ranking
from mostread.infra.clickhouse.pool import QueryPool
from mostread.ranking.aliases import AliasRepository
from mostread.ranking.config import RankingSettings
from mostread.ranking.service.facets import Facets, FacetValues
from mostread.ranking.site_repository import SiteRepository
from tests.support.ranking import NOW, Counted, Service


def describe(counted: Counted) -> None:
    counted.article("a", section="City", language="ru", authors=["Dana", "Aru"], tags=["metro"])
    counted.article("b", section="Sport", language="kk-Cyrl", authors=["Dana"])
    counted.article("c", section="City", language="KK", authors=["O'Neil"], tags=["x", "metro"])
    counted.article("deleted", section="Gone", deleted=True)
    counted.article("hidden", section="Gone", tags=["gone"], hidden=True)
    counted.article("scheduled", section="Gone", authors=["Gone"], published_at=NOW.replace(2100))


@pytest.fixture
def repository(ranking_settings: RankingSettings) -> Iterator[SiteRepository]:
    sql = Path(mostread.ranking.__file__).parent / "sql"
    pool = QueryPool(ranking_settings, sql, lambda _name, _seconds: None, threads=1)
    yield SiteRepository(pool, AliasRepository(pool))
    pool.close()


async def test_facets_count_listed_articles_of_each_value(
    repository: SiteRepository, counted: Counted
) -> None:
    describe(counted)
    now = 0.0
    facets = Facets(repository, lambda: now, undescribed=False)
    try:
        values = await facets.get(counted.site)
        assert counted.site in values.sites
        assert list(values.sections.items()) == [("City", 2), ("Sport", 1)]
        assert list(values.languages.items()) == [("kk", 2), ("ru", 1)]
        assert list(values.authors.items()) == [("Dana", 2), ("Aru", 1), ("O'Neil", 1)]
        assert list(values.tags.items()) == [("metro", 2), ("x", 1)]

        counted.client.command("RENAME TABLE article_versions TO articles_elsewhere")
        now = 3600.0
        for _ in range(3):
            assert await facets.get(counted.site) == values
            await asyncio.sleep(0)
        assert await facets.get("never loaded") == FacetValues()
    finally:
        restore(counted.client)


def restore(client: Client) -> None:
    if client.command("EXISTS TABLE articles_elsewhere"):
        client.command("RENAME TABLE articles_elsewhere TO article_versions")


async def test_facets_follow_decisions_within_a_minute(
    repository: SiteRepository, counted: Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mostread.ranking.cache.cache.REFRESH_TIMEOUT_SECONDS", 60.0)
    monkeypatch.setattr("mostread.ranking.service.facets._TIMEOUT_SECONDS", 60.0)
    now = 0.0
    facets = Facets(repository, lambda: now, undescribed=False)
    counted.article("secret", tags=["bank"])
    counted.article("shown", tags=["metro"], hidden=True)
    assert list((await facets.get(counted.site)).tags) == ["bank"]
    embargo = datetime.now(UTC) + timedelta(hours=1)
    counted.decisions({"secret": {"embargo_until": embargo}, "shown": {"hidden": False}})
    now = 60.0
    assert list((await facets.get(counted.site)).tags) == ["metro"]


async def test_sites_with_described_articles_come_before_those_with_made_up_names(
    repository: SiteRepository, counted: Counted
) -> None:
    for number in range(30):
        counted.article(str(number))
    site = counted.site
    for number in range(120):
        counted.site = f"0-cheap-pills-{number:03}"
        counted.event("a", None, views=1000)
    counted.write()
    described = await sites(repository, undescribed=False)
    assert site in described
    assert not [name for name in described if "pills" in name]
    everything = await sites(repository, undescribed=True)
    assert site in everything
    assert not [name for name in everything[: len(described)] if "pills" in name]
    assert len(everything) == 100


async def sites(repository: SiteRepository, *, undescribed: bool) -> list[str]:
    rows = await repository.facets("", undescribed=undescribed)
    return [row.name for row in rows if row.kind == "site"]


async def test_page_offers_authors_and_tags(service: Service, counted: Counted) -> None:
    describe(counted)
    text = await (await service.get(f"/?site={counted.site}&tag=metro")).text()
    assert f'href="?site={counted.site}&amp;tag=metro&amp;author=Dana"' in text
    assert f'href="?site={counted.site}&amp;tag=x"' in text
    assert "Gone" not in text
