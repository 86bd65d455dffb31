"""Former ids of articles and former names of sites, wherever the ranking shows numbers."""

import csv
import io
from datetime import timedelta
from http import HTTPStatus
from typing import Any

import pytest

from mostread.core.article_ids import are_clean
from tests.support.ranking import EDITOR, FIRST, NOW, STRANGE, Counted, Service, Site, ago


@pytest.fixture
def moved(counted: Counted) -> Counted:
    """An article that moved from 'oldest' to 'old' and on to 'new', besides another one."""
    for article_id, views in (("oldest", 2), ("old", 3), ("new", 4)):
        counted.event(article_id, ago(minutes=5), views)
        counted.event(article_id, ago(hours=30), 10 * views, comments=1)
    counted.event("other", ago(minutes=5), 8)
    counted.event("other", ago(hours=30), 1)
    counted.write()
    counted.article("new", title="Present title", section="City")
    counted.article("old", title="Former title", section="Gone")
    counted.article("other", section="City")
    counted.aliases("oldest", "old", of="new")
    counted.progress(NOW, 0, 1, FIRST)
    return counted


async def get(service: Service, path: str, **parameters: str) -> Any:
    response = await service.get(path, params=parameters)
    assert response.status == HTTPStatus.OK, await response.text()
    return await response.json()


async def test_lists_add_the_counts_of_former_ids(moved: Counted, site: Site) -> None:
    assert await site.views(window="24h") == {"new": 9, "other": 8}
    assert await site.views(window="7d") == {"new": 99, "other": 9}
    assert await site.views(window="all") == {"new": 99, "other": 9}
    ranged = {"from": ago(hours=31).isoformat(), "to": ago(hours=29).isoformat()}
    assert await site.views(**ranged) == {"new": 90, "other": 1}
    assert await site.ids(by="comments", window="7d") == ["new"]
    [first, _] = (await site.most_read(window="24h", half_life="6h", by="score"))["items"]
    assert (first["article_id"], first["title"]) == ("new", "Present title")
    assert first["total"] == {"views": 99, "comments": 3, "likes": 0}


async def test_comparison_and_previous_rank_include_former_ids(moved: Counted, site: Site) -> None:
    [new, _] = (await site.most_read(window="24h", compare="previous"))["items"]
    assert new["compared"]["views"] == 90
    items = (await site.most_read(window="7d"))["items"]
    assert [item["previous_rank"] for item in items] == [1, 2]


async def test_log_has_exclusions_of_former_ids(service: Service, moved: Counted) -> None:
    moved.exclusion("old", "add")
    moved.exclusion("other", "add")
    for article_id in ("new", "oldest"):
        address = f"/v1/articles/{article_id}/placements?site={moved.site}"
        answer = await service.get(address, headers=EDITOR)
        excluded = (await answer.json())["exclusions"]
        assert [each["id"] for each in excluded] == [f"{moved.site} old"]


async def test_article_with_a_former_id_trends_like_one_without(
    counted: Counted, site: Site
) -> None:
    for hours in range(12):
        for article_id, views in (("new", 5), ("old", 15), ("twin", 20)):
            counted.event(article_id, ago(minutes=90, hours=hours), views)
    for article_id, views in (("new", 150), ("old", 250), ("twin", 400)):
        counted.event(article_id, ago(minutes=5), views)
    counted.write()
    counted.aliases("old", of="new")
    items = (await site.most_read(by="trending"))["items"]
    trends = {item["article_id"]: item["trend"] for item in items}
    assert trends.keys() == {"new", "twin"}
    assert trends["new"] == trends["twin"]


async def test_search_finds_an_article_by_a_former_id(moved: Counted, site: Site) -> None:
    # 'oldest' has no views in the window.
    moved.aliases("ancient", of="new")
    for words in ("oldest", "ancient", "present ancient"):
        assert await site.ids(q=words) == ["new"]
    assert await site.ids(q="former") == []


async def test_filters_are_those_of_the_present_description(moved: Counted, site: Site) -> None:
    assert await site.views(section="City") == {"new": 9, "other": 8}
    assert await site.ids(section="Gone") == []
    totals = {"site": site.name, "window": "24h"}
    for section, views in (("City", 17), ("Gone", 0)):
        document = await get(site.service, "/v1/totals", section=section, **totals)
        assert document["views"] == views
    assert (await get(site.service, "/v1/totals", **totals))["views"] == 17


async def test_exclude_takes_a_former_id(moved: Counted, site: Site) -> None:
    assert await site.ids(exclude="oldest") == ["other"]


async def test_counts_are_under_the_requested_ids(moved: Counted, site: Site) -> None:
    response = await site.service.get(
        "/v1/counts",
        params=[("site", site.name), ("window", "all")]
        + [("id", each) for each in ("old", "new", "other", "unknown")],
    )
    counts = (await response.json())["counts"]
    assert {article_id: each["views"] for article_id, each in counts.items()} == {
        "old": 99,
        "new": 99,
        "other": 9,
        "unknown": 0,
    }


@pytest.mark.parametrize("requested", ["new", "old"])
async def test_article_is_answered_as_its_present_id(
    moved: Counted, site: Site, requested: str
) -> None:
    article = await get(site.service, f"/v1/articles/{requested}", site=site.name)
    assert (article["article_id"], article["title"]) == ("new", "Present title")
    assert article["former_ids"] == ["old", "oldest"]
    assert article["total"] == {"views": 99, "comments": 3, "likes": 0}
    assert article["windows"]["24h"]["views"] == 9
    span = {"from": ago(hours=31).isoformat(), "to": NOW.isoformat(), "grain": "hour"}
    series = await get(site.service, f"/v1/articles/{requested}/series", site=site.name, **span)
    assert series["article_id"] == "new"
    assert sum(series["views"]) == 99
    ranks = await get(site.service, f"/v1/articles/{requested}/ranks", site=site.name)
    assert ranks["article_id"] == "new"
    assert (ranks["ranks"][-1], ranks["lengths"][-1]) == (1, 2)


async def test_page_of_a_former_id_leads_to_the_present_one(moved: Counted, site: Site) -> None:
    response = await site.service.get(
        "/articles/old", params={"site": site.name, "lang": "en"}, allow_redirects=False
    )
    assert response.status == HTTPStatus.FOUND
    page = await site.service.get("/articles/old", params={"site": site.name, "lang": "en"})
    assert str(page.url.relative()) == f"/articles/new?site={site.name}&lang=en"
    assert "Present title" in (text := await page.text())
    assert "also counted as" not in text
    page = await site.service.get("/articles/new", params={"site": site.name}, headers=EDITOR)
    text = await page.text()
    assert "also counted as" in text
    assert text.index(">old<") < text.index(">oldest<")


async def test_decisions_are_those_about_the_present_id(moved: Counted, site: Site) -> None:
    moved.decision("old", hidden=True)
    moved.decision("oldest", pinned=1)
    moved.article("old", title="Former", hidden=True, pinned=1, version=2)
    assert await site.views() == {"new": 9, "other": 8}
    assert all(item["pinned"] is None for item in (await site.most_read())["items"])
    response = await site.service.get("/v1/decisions", params={"site": site.name}, headers=EDITOR)
    assert (await response.json())["items"] == []


async def test_hidden_article_withholds_its_former_ids(moved: Counted, site: Site) -> None:
    moved.decision("new", embargo_until=NOW + timedelta(hours=1))
    assert await site.ids() == ["other"]
    response = await site.service.get("/v1/articles/old", params={"site": site.name})
    assert response.status == HTTPStatus.NOT_FOUND
    counts = await get(site.service, "/v1/counts", site=site.name, id="old")
    assert counts["counts"]["old"]["views"] == 0


async def test_visitors_of_former_ids_are_those_of_the_article(moved: Counted, site: Site) -> None:
    names = ["site", "article_id", "hour", "topic_id", "partition", "since", "views"]
    names += ["heaviest", "heaviest_views", "lowest", "version"]
    hour = NOW.replace(minute=0, second=0)
    rows = [
        [moved.site, article_id, hour, FIRST, 0, 0, 60, [seed], [50], [seed, seed + 1], 1]
        for article_id, seed in (("old", 1), ("new", 10))
    ]
    moved.client.insert("visitor_sketches", rows, column_names=names)
    article = await get(site.service, "/v1/articles/old", site=site.name)
    assert article["integrity"]["visitors"] == 4
    assert article["integrity"]["top_share"] == 0.8333


async def test_feed_and_file_contain_the_present_id_once(moved: Counted, site: Site) -> None:
    for article_id in ("new", "old", "other"):
        url = f"https://news.example/{article_id}"
        moved.article(article_id, title=f"On {article_id}", url=url, version=2)
    feed = await get(site.service, "/feed.json", site=site.name)
    assert [item["title"] for item in feed["items"]] == ["On new", "On other"]
    response = await site.service.get("/v1/most-read", params={"site": site.name, "format": "csv"})
    rows = csv.DictReader(io.StringIO((await response.read()).decode("utf-8-sig"), newline=""))
    assert [row["article_id"] for row in rows] == ["new", "other"]


async def test_deleted_alias_restores_both_articles(moved: Counted, site: Site) -> None:
    moved.aliases("old", of="")
    assert await site.views() == {"other": 8, "new": 6, "old": 3}
    moved.aliases("oldest", of="")
    article = await get(site.service, "/v1/articles/old", site=site.name)
    assert (article["title"], article["total"]["views"]) == ("Former title", 33)


async def test_alias_of_an_article_that_is_not_described_keeps_its_numbers(
    moved: Counted, site: Site
) -> None:
    moved.aliases("other", of="undescribed")
    items = (await site.most_read())["items"]
    assert [(item["article_id"], item["described"]) for item in items] == [
        ("new", True),
        ("undescribed", False),
    ]


async def test_many_aliases_of_one_article_are_added(moved: Counted, site: Site) -> None:
    moved.aliases(*(f"/redirected/{n}" for n in range(10_000)), of="new")
    article = await get(site.service, "/v1/articles/old", site=site.name)
    assert article["total"]["views"] == 99
    assert len(article["former_ids"]) == 100
    assert await site.views() == {"new": 9, "other": 8}


async def test_strange_former_ids_are_read_as_they_are(counted: Counted, site: Site) -> None:
    for strange in STRANGE:
        counted.event(strange, ago(minutes=5), 1)
    counted.event("new", ago(minutes=5), 1)
    counted.write()
    counted.aliases(*STRANGE, of="new")
    assert await site.views() == {"new": 1 + len(STRANGE)}
    # A request cannot name ids that the collector cleans.
    for strange in (each for each in STRANGE if are_clean([each])):
        counts = await get(site.service, "/v1/counts", site=site.name, id=strange, window="all")
        assert [each["views"] for each in counts["counts"].values()] == [1 + len(STRANGE)]


async def test_renamed_site_shows_what_came_under_its_former_name(
    moved: Counted, site: Site
) -> None:
    present = Counted(moved.client, f"{moved.site[-60:]}.new")
    for article_id, views in (("other", 100), ("fresh", 1)):
        present.event(article_id, ago(minutes=5), views)
    present.write()
    present.article("other", title="Described again", section="Sport")
    present.article("fresh")
    moved.decision("new", pinned=1)
    # The aggregator writes the aliases of a renamed site under its present name.
    present.aliases("oldest", "old", of="new")
    moved.aliases("", of=present.site)
    for name in (present.site, moved.site):
        shown = Site(site.service, name)
        items = (await shown.most_read())["items"]
        assert [(item["article_id"], item["window"]["views"]) for item in items] == [
            ("new", 9),
            ("other", 108),
            ("fresh", 1),
        ]
        assert [item["title"] for item in items[:2]] == ["Present title", "Described again"]
        assert items[0]["pinned"] == 1
        totals = await get(site.service, "/v1/totals", site=name, window="24h")
        assert totals["views"] == 118
        filtered = await get(site.service, "/v1/totals", site=name, window="24h", section="City")
        assert filtered["views"] == 9
        article = await get(site.service, "/v1/articles/old", site=name)
        assert (article["site"], article["article_id"]) == (present.site, "new")
        assert article["total"]["views"] == 99
    page = await site.service.get("/articles/other", params={"site": moved.site})
    assert page.url.query["site"] == present.site
