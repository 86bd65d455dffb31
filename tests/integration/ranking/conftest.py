"""The ranking service over ClickHouse, with a fixed clock and a separate site for each test."""

import re
from collections.abc import AsyncIterator, Iterator

import pytest

from mostread.devstack.servers.clickhouse import LocalClickHouse
from mostread.infra.clickhouse.client import connect
from mostread.infra.clickhouse.migrations import migrate
from mostread.ranking.app import ranking_app
from mostread.ranking.config import RankingSettings
from tests.support.http import client_of
from tests.support.ranking import EDITORS, NOW, Counted, Service, Site


@pytest.fixture(scope="session")
def ranking_settings(clickhouse: LocalClickHouse) -> RankingSettings:
    settings = RankingSettings(
        clickhouse_url=clickhouse.url,
        clickhouse_database="test_ranking",
        ranking_port=0,
        ranking_tokens=EDITORS,
        # Few tests describe their articles.
        ranking_listed="all",
    )
    migrate(settings)
    client = connect(settings)
    # The clock of these tests is fixed, so rows that the server considers expired must stay.
    client.command("ALTER TABLE counter_versions REMOVE TTL")
    client.close()
    return settings


@pytest.fixture
def counted(ranking_settings: RankingSettings, request: pytest.FixtureRequest) -> Iterator[Counted]:
    """A site for the test alone, and an empty table `checkpoint_versions`."""
    client = connect(ranking_settings)
    client.command("TRUNCATE TABLE checkpoint_versions")
    yield Counted(client, re.sub("[^A-Za-z0-9]+", "-", request.node.name)[-64:])
    client.close()


@pytest.fixture
async def service(ranking_settings: RankingSettings) -> AsyncIterator[Service]:
    async with (
        ranking_app(ranking_settings, clock=lambda: int(NOW.timestamp() * 1000)) as app,
        client_of(app) as client,
    ):
        yield client


@pytest.fixture
def site(service: Service, counted: Counted) -> Site:
    return Site(service, counted.site)
