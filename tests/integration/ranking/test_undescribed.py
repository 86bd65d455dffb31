"""Articles that the CMS has not described are left out of public lists."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from mostread.ranking.app import ranking_app
from mostread.ranking.config import RankingSettings
from tests.support.http import client_of
from tests.support.ranking import EDITOR, FIRST, NOW, Counted, Service, Site, ago

SPAM = "BUY CHEAP WATCHES"


@asynccontextmanager
async def serving(ranking_settings: RankingSettings) -> AsyncIterator[Service]:
    """Run the service with its default setting."""
    settings = ranking_settings.model_copy(update={"ranking_listed": "described"})
    async with (
        ranking_app(settings, clock=lambda: int(NOW.timestamp() * 1000)) as app,
        client_of(app) as service,
    ):
        yield service


@pytest.fixture
async def public(ranking_settings: RankingSettings) -> AsyncIterator[Service]:
    async with serving(ranking_settings) as service:
        yield service


@pytest.fixture
def spammed(counted: Counted) -> Counted:
    """Two described articles, three others with more views, and a deleted one."""
    for number, article_id in enumerate((SPAM, "spam 2", "spam 3", "a", "deleted", "b")):
        counted.event(article_id, ago(hours=2), views=10 - number, likes=1)
    counted.article("a", url="https://news.example/a", section="Спорт")
    counted.article("b", url="https://news.example/b")
    counted.article("deleted", deleted=True)
    counted.write()
    counted.decision(SPAM, pinned=1)
    counted.progress(ago(seconds=2), 0, 1, FIRST)
    return counted


async def test_public_lists_contain_described_articles_only(
    public: Service, spammed: Counted
) -> None:
    site = Site(public, spammed.site)
    body = await site.most_read()
    assert [(i["rank"], i["article_id"]) for i in body["items"]] == [(1, "a"), (2, "b")]
    assert all(item["described"] and item["previous_rank"] for item in body["items"])
    assert body["undescribed"] == 3
    for path in ("/v1/most-read.html", "/feed.json", "/feed.xml", "/"):
        answer = await public.get(path, params={"site": spammed.site})
        text = await answer.text()
        assert (answer.status, "news.example/a" in text, "spam" in text.lower()) == (
            200,
            True,
            False,
        )
    stream = await public.get("/v1/stream", params={"site": spammed.site})
    await stream.content.readuntil(b"event: list\n")
    sent = await stream.content.readuntil(b"\n\n")
    assert (b"news.example/a" in sent, SPAM.encode() in sent) == (True, False)
    stream.close()


async def test_pages_and_search_skip_undescribed_articles(
    public: Service, spammed: Counted
) -> None:
    site = Site(public, spammed.site)
    assert [await site.ids(limit=1, offset=offset) for offset in (0, 1, 2)] == [["a"], ["b"], []]
    first = await site.most_read(limit=1, cursor="*")
    assert first["undescribed"] == 3
    assert await site.ids(limit=1, cursor=first["next_cursor"]) == ["b"]
    assert [item["rank"] for item in (await site.most_read(q="b"))["items"]] == [2]
    assert await site.ids(q="watches") == []
    assert await site.ids(by="likes") == ["a", "b"]
    assert (await site.most_read(section="Спорт"))["undescribed"] == 3


async def test_number_left_out_counts_articles_of_the_window(
    public: Service, counted: Counted
) -> None:
    for article_id, when in {"late": None, "old": ago(hours=30), "new": ago(minutes=5)}.items():
        counted.event(article_id, when, views=1)
    counted.event("taken back", ago(minutes=5), likes=-1)
    counted.write()
    site = Site(public, counted.site)
    left_out = {w: (await site.most_read(window=w))["undescribed"] for w in ("24h", "7d", "all")}
    assert left_out == {"24h": 1, "7d": 2, "all": 3}


async def test_etag_ignores_number_left_out(
    ranking_settings: RankingSettings, spammed: Counted
) -> None:
    seen = []
    for number in (3, 4):
        spammed.event("spam 3" if number == 3 else "spam 4", ago(hours=2), views=1)
        spammed.write()
        async with serving(ranking_settings) as service:
            answer = await service.get(f"/v1/most-read?site={spammed.site}")
            assert (await answer.json())["undescribed"] == number
            seen.append(answer.headers["ETag"])
    assert seen[0] == seen[1]


async def test_editor_lists_undescribed_articles(public: Service, spammed: Counted) -> None:
    address = f"/v1/most-read?site={spammed.site}&undescribed=1"
    answer = await public.get(address, headers=EDITOR)
    assert answer.headers["Cache-Control"] == "private, no-cache"
    body = await answer.json()
    assert body["undescribed"] == 0
    assert [(i["article_id"], i["title"], i["described"]) for i in body["items"]] == [
        (SPAM, SPAM, False),
        ("spam 2", "spam 2", False),
        ("spam 3", "spam 3", False),
        ("a", "Title of a", True),
        ("b", "Title of b", True),
    ]
    answer = await public.get(f"{address}&cursor=*", headers=EDITOR)
    assert answer.headers["Cache-Control"] == "private, no-cache"
    assert len((await answer.json())["items"]) == 5


@pytest.mark.parametrize(("token", "status"), [(None, 401), ("another", 401), ("the cms", 403)])
async def test_list_of_undescribed_articles_requires_editor_token(
    public: Service, spammed: Counted, token: str | None, status: int
) -> None:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    for more in ("", "&cursor=*"):
        address = f"/v1/most-read?site={spammed.site}&undescribed=1{more}"
        answer = await public.get(address, headers=headers)
        assert (answer.status, SPAM in await answer.text()) == (status, False)


async def test_page_shows_undescribed_articles_to_editors_only(
    public: Service, spammed: Counted
) -> None:
    page = f"/?site={spammed.site}"
    for headers in ({}, {"Authorization": "Basic eDp5"}, {"Authorization": "Bearer another"}):
        answer = await public.get(page, headers=headers)
        text = await answer.text()
        assert (answer.status, SPAM in text, "has not described them: 3." in text) == (
            200,
            False,
            True,
        )
    answer = await public.get(page, headers=EDITOR)
    text = await answer.text()
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert text.count('<span class="undescribed">not described</span>') == 3
    assert "has not described them" not in text


async def test_all_articles_are_listed_if_operator_says_so(
    service: Service, spammed: Counted
) -> None:
    body = await Site(service, spammed.site).most_read()
    assert [item["described"] for item in body["items"]] == [False] * 3 + [True] * 2
    assert body["undescribed"] == 0
    assert await Site(service, spammed.site).ids(undescribed=0) == ["a", "b"]
    assert len(await Site(service, spammed.site).ids(undescribed=1)) == 5


async def test_rank_history_ranks_described_articles_only(
    public: Service, counted: Counted
) -> None:
    counted.event("spam", ago(hours=10), views=9)
    counted.event("a", ago(hours=10), views=1)
    counted.article("a")
    counted.write()
    counted.progress(ago(seconds=2), 0, 1, FIRST)
    answer = await public.get(f"/v1/articles/a/ranks?site={counted.site}")
    assert set((await answer.json())["ranks"]) == {1, None}


async def test_metric_has_articles_left_out_in_last_day(public: Service, spammed: Counted) -> None:
    sample = f'mostread_ranking_undescribed_articles{{site="{spammed.site}"}} 3.0'
    await Site(public, spammed.site).most_read(window="1h")
    assert sample not in await (await public.get("/metrics")).text()
    await Site(public, spammed.site).most_read()
    await Site(public, "nowhere").most_read()
    metrics = await (await public.get("/metrics")).text()
    assert sample in metrics
    assert "nowhere" not in metrics
