"""Articles that are withheld: hidden, embargoed, expired, deleted, scheduled."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.http import every
from tests.support.ranking import EDITOR, FIRST, Counted, Service, Site, ago

SECRET = "Bank to be nationalised"
WITHHELD: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "hidden": ({"hidden": True}, {}),
    "hidden by an editor": ({}, {"hidden": True}),
    "embargoed": ({}, {"embargo_until": ago(hours=-2)}),
    "expired": ({}, {"expires_at": ago(hours=1)}),
    # `until` ends what an editor decided about hiding and pinning only.
    "embargoed longer than decided": (
        {},
        {"embargo_until": ago(hours=-2), "until": ago(hours=1)},
    ),
    "deleted": ({"deleted": True}, {}),
    "scheduled": ({"published_at": ago(hours=-8)}, {}),
}
ADDRESSES = (
    "/v1/articles/{id}",
    "/v1/articles/{id}/series",
    "/v1/articles/{id}/ranks",
    "/articles/{id}",
)


def withhold(counted: Counted, kind: str) -> None:
    """Count views of the article `secret`, then withhold it."""
    described, decided = WITHHELD[kind]
    counted.progress(ago(seconds=2), 0, 1, FIRST)
    counted.article("secret", title=SECRET, url="https://news.example/secret", **described)
    counted.event("secret", ago(hours=2), views=9)
    counted.event("public", ago(hours=2), views=5)
    counted.write()
    if decided:
        counted.decision("secret", **decided)


@pytest.mark.parametrize("kind", WITHHELD)
async def test_only_editors_see_withheld_article(
    service: Service, counted: Counted, kind: str
) -> None:
    withhold(counted, kind)
    for path in ADDRESSES:
        address = f"{path.format(id='secret')}?site={counted.site}"
        answer = await service.get(address)
        unknown = await service.get(f"{path.format(id='nobody')}?site={counted.site}")
        assert answer.status == unknown.status == 404
        # Nothing but the id of the request distinguishes it from an article that does not exist.
        texts = [
            (await each.text()).replace(each.headers["X-Request-Id"], "")
            for each in (answer, unknown)
        ]
        assert texts[0] == texts[1].replace("nobody", "secret")
        assert answer.headers.keys() == unknown.headers.keys()
        answer = await service.get(address, headers={**EDITOR, "Origin": "https://other.example"})
        assert answer.status == 200, path
        assert answer.headers["Cache-Control"].startswith("private")
        # Pages of other origins may not read it, even if an editor opens them.
        assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.parametrize("kind", WITHHELD)
async def test_editor_sees_why_article_is_withheld(
    service: Service, counted: Counted, kind: str
) -> None:
    withhold(counted, kind)
    address = f"/v1/articles/secret?site={counted.site}"
    body = await (await service.get(address, headers=EDITOR)).json()
    reason = kind.partition(" ")[0]
    assert (body["withheld"], body["described"]) == (reason, reason != "deleted")
    assert (body["placement"] is not None) is bool(WITHHELD[kind][1])
    page = await service.get(f"/articles/secret?site={counted.site}", headers=EDITOR)
    words = {"embargoed": "under embargo", "deleted": "deleted by the CMS"}
    assert f'<span class="pinned">{words.get(reason, reason)}</span>' in await page.text()


@pytest.mark.parametrize("kind", WITHHELD)
async def test_stored_list_omits_article_withheld_since(
    service: Service, counted: Counted, kind: str
) -> None:
    counted.progress(ago(seconds=2), 0, 1, FIRST)
    for article_id, views in (("first", 9), ("secret", 7), ("last", 5)):
        counted.article(article_id)
        counted.event(article_id, ago(hours=2), views=views)
    counted.write()
    site = Site(service, counted.site)
    page = await site.most_read(cursor="*", limit=1)
    described, decided = WITHHELD[kind]
    counted.article("secret", version=2, title=SECRET, **described)
    if decided:
        counted.decision("secret", **decided)
    rest = await site.most_read(cursor=page["next_cursor"], limit=10)
    assert [(item["rank"], item["article_id"]) for item in rest["items"]] == [(3, "last")]


@pytest.mark.parametrize("kind", WITHHELD)
async def test_filters_do_not_offer_values_of_withheld_articles(
    service: Service, counted: Counted, kind: str
) -> None:
    described, decided = WITHHELD[kind]
    # Facets go by the clock of ClickHouse.
    ahead = datetime.now(UTC) + timedelta(hours=8)
    if described.get("published_at"):
        described = {"published_at": ahead}
    if decided.get("embargo_until"):
        decided = {**decided, "embargo_until": ahead}
    values = {"authors": ["Deep Throat"], "tags": ["takeover"], "section": "Takeovers"}
    counted.article("secret", **values, **described)
    counted.article("public", section="City", authors=["A. Reporter"], tags=["trams"])
    counted.event("public", ago(minutes=9), views=1)
    counted.write()
    if decided:
        counted.decision("secret", **decided)
    text = await (await service.get(f"/?site={counted.site}")).text()
    assert "City" in text
    assert not [each for each in ("Takeovers", "Deep Throat", "takeover") if each in text]


async def test_reader_does_not_see_decision_about_listed_article(
    service: Service, counted: Counted
) -> None:
    counted.article("a")
    counted.decision("a", pinned=1, expires_at=ago(hours=-9))
    body = await (await service.get(f"/v1/articles/a?site={counted.site}")).json()
    assert body["pinned"] == 1
    assert not {"placement", "withheld"} & body.keys()


async def test_withheld_articles_have_no_rank_in_history(
    service: Service, counted: Counted
) -> None:
    for number, kind in enumerate(WITHHELD):
        described, decided = WITHHELD[kind]
        counted.event(kind, ago(hours=2), views=100 - number)
        counted.article(kind, **described)
        if decided:
            counted.decision(kind, **decided)
    counted.event("first", ago(hours=2), views=3)
    counted.progress(ago(seconds=2), 0, 1, FIRST)
    counted.event("second", ago(hours=2), views=2)
    counted.write()
    for article_id, rank in (("first", 1), ("second", 2)):
        answer = await service.get(f"/v1/articles/{article_id}/ranks?site={counted.site}")
        body = await answer.json()
        assert (body["ranks"][-1], body["lengths"][-1]) == (rank, 2)


async def test_decision_changes_rank_history_at_once(service: Service, counted: Counted) -> None:
    for article_id, views in (("a", 5), ("b", 3)):
        counted.event(article_id, ago(hours=2), views=views)
    counted.progress(ago(seconds=2), 0, 1, FIRST)
    counted.write()
    address = f"/v1/articles/b/ranks?site={counted.site}"
    assert (await (await service.get(address)).json())["ranks"][-1] == 2
    counted.decision("a", hidden=True)
    async for _ in every(0.1):
        if (await (await service.get(address)).json())["ranks"][-1] == 1:
            break


@pytest.mark.parametrize("kind", WITHHELD)
async def test_sums_by_tag_do_not_tell_of_withheld_article(
    service: Service, counted: Counted, kind: str
) -> None:
    described, decided = WITHHELD[kind]
    counted.article("secret", tags=["bank"], authors=["Dana"], section="Money", **described)
    counted.article("public", tags=["metro"], authors=["Dana"])
    counted.event("secret", ago(minutes=2), views=9)
    counted.event("public", ago(minutes=2), views=5)
    counted.write()
    counted.progress(ago(seconds=2), 0, 1, FIRST)
    if decided:
        counted.decision("secret", **decided)
    for query, views in (("tag=bank", 0), ("section=Money", 0), ("author=Dana", 5)):
        totals = await service.get(f"/v1/totals?site={counted.site}&{query}")
        body = await totals.json()
        assert (body["views"], body["now"]["views"]) == (views, views), query
        series = await service.get(f"/v1/series?site={counted.site}&{query}")
        assert sum(step["views"] for step in (await series.json())["steps"]) == views, query


async def test_sums_by_tag_count_article_that_an_editor_lists(
    service: Service, counted: Counted
) -> None:
    counted.article("shown", tags=["metro"], hidden=True)
    counted.event("shown", ago(minutes=2), views=5)
    counted.write()
    counted.decision("shown", hidden=False)
    answer = await service.get(f"/v1/totals?site={counted.site}&tag=metro")
    assert (await answer.json())["views"] == 5


async def test_withheld_articles_are_not_in_median_of_section(
    service: Service, counted: Counted
) -> None:
    counted.event("oldest", ago(days=60), views=1)
    decided: dict[str, dict[str, Any]] = {}
    for number, (described, decision) in enumerate([({}, {})] * 6 + list(WITHHELD.values())):
        article_id, born = f"{number}", ago(days=2, hours=number)
        counted.article(article_id, section="Money", **{"published_at": born, **described})
        counted.event(article_id, born, views=100)
        decided |= {article_id: decision} if decision else {}
    counted.write()
    counted.decisions(decided)
    answer = await service.get(f"/articles/0?site={counted.site}")
    assert "against a median of 100 for 6 articles." in await answer.text()
