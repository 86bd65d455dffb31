"""GET /v1/counts: the counts of articles that a page names."""

from typing import Any

from tests.support.ranking import FIRST, SECOND, STRANGE, Counted, Service, ago

NOTHING = {"views": 0, "comments": 0, "likes": 0}


async def counts(service: Service, counted: Counted, *ids: str, **parameters: str) -> Any:
    pairs = [("id", each) for each in ids] + [("site", counted.site), *parameters.items()]
    answer = await service.get("/v1/counts", params=pairs)
    assert answer.status == 200, await answer.text()
    return await answer.json()


async def test_counts_have_documented_fields(service: Service, counted: Counted) -> None:
    counted.event("a", ago(hours=2), views=7, likes=2)
    counted.event("a", ago(minutes=2), views=1, topic=SECOND, partition=3)
    counted.event("a", None, views=100)
    counted.event("b", ago(minutes=2), comments=1, likes=-1)
    counted.event("c", ago(minutes=2), views=99)
    counted.write()
    counted.progress(ago(seconds=2), 0, 1, FIRST)
    assert await counts(service, counted, "b", "a", "unknown") == {
        "site": counted.site,
        "window": {
            "name": "all",
            "start": "1970-01-01T00:00:00.000Z",
            "end": "2026-11-23T14:04:00.000Z",
        },
        "as_of": "2026-11-23T14:03:03.000Z",
        "stale": False,
        "counts": {
            "a": {"views": 108, "comments": 0, "likes": 2},
            "b": {"views": 0, "comments": 1, "likes": -1},
            "unknown": NOTHING,
        },
    }
    last_hour = await counts(service, counted, "a", window="1h")
    assert last_hour["counts"] == {"a": {"views": 1, "comments": 0, "likes": 0}}
    assert last_hour["window"]["name"] == "1h"
    other = Counted(counted.client, f"{counted.site}.other")
    assert (await counts(service, other, "a"))["counts"] == {"a": NOTHING}


async def test_counts_of_unpublished_articles_are_zero(service: Service, counted: Counted) -> None:
    ids = ("embargoed", "over", "ended", "hidden", "deleted", "scheduled", "expired")
    for article_id in ids:
        counted.event(article_id, ago(minutes=5), views=3)
    counted.write()
    counted.article("hidden", hidden=True)
    counted.article("deleted", deleted=True)
    counted.article("scheduled", published_at=ago(hours=-1))
    counted.decision("expired", expires_at=ago(hours=1))
    counted.decision("embargoed", embargo_until=ago(hours=-1))
    counted.decision("over", embargo_until=ago(hours=1))
    counted.decision("ended", pinned=1, embargo_until=ago(hours=-1), until=ago(hours=1))
    for window in ("all", "24h"):
        answer = await counts(service, counted, *ids, window=window)
        assert {name: each["views"] for name, each in answer["counts"].items()} == {
            "embargoed": 0,
            "over": 3,
            # `until` ends a pin, not the embargo.
            "ended": 0,
            # The publisher may still show the article, with its counts.
            "hidden": 3,
            "deleted": 0,
            "scheduled": 0,
            "expired": 3,
        }


async def test_counts_accept_unusual_ids(service: Service, counted: Counted) -> None:
    ids = [each for each in STRANGE if "\u200f" not in each]
    long = ["🐫" * 60 + f"{number:03}" for number in range(100 - len(ids))]
    for article_id in [*ids, *long]:
        counted.event(article_id, ago(minutes=5), views=1)
    counted.write()
    answer = await counts(service, counted, *ids)
    assert {each["views"] for each in answer["counts"].values()} == {1}
    assert answer["counts"].keys() == set(ids)
    answer = await counts(service, counted, *long[:20], window="24h")
    assert {each["views"] for each in answer["counts"].values()} == {1}


async def test_counts_are_cacheable_by_any_page(service: Service, counted: Counted) -> None:
    counted.event("a", ago(minutes=5), views=1)
    counted.write()
    address = f"/v1/counts?site={counted.site}&id=a"
    answer = await service.get(address, headers={"Origin": "https://news.example"})
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Cache-Control"] == "public, max-age=5"
    again = await service.get(address, headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status == 304
    # One cached answer serves all orders and spellings of the ids.
    spelled = await service.get(f"{address}&id=%20a")
    assert spelled.headers["ETag"] == answer.headers["ETag"]
    metrics = await (await service.get("/metrics")).text()
    assert 'mostread_ranking_cache_refreshes_total{outcome="done",resource="counts"} 1.0' in metrics


async def test_too_many_ids_are_rejected_by_name(service: Service) -> None:
    answer = await service.get("/v1/counts", params=[("id", str(each)) for each in range(101)])
    assert (answer.status, (await answer.json())["parameter"]) == (400, "id")
