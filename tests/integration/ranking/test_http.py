"""How the service answers over HTTP, whatever the numbers are."""

import pytest

from tests.support.ranking import Counted, Service, ago


async def test_an_answer_may_be_kept_a_second_and_read_by_any_page(service: Service) -> None:
    answer = await service.get("/v1/most-read")
    assert answer.headers["Cache-Control"] == "public, max-age=1"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.content_type == "application/json"


async def test_who_has_the_answer_is_told_so(service: Service, counted: Counted) -> None:
    path = f"/v1/most-read?site={counted.site}"
    etag = (await service.get(path)).headers["ETag"]
    again = await service.get(path, headers={"If-None-Match": f'"other", {etag}'})
    assert (again.status, await again.read()) == (304, b"")
    assert again.headers["ETag"] == etag
    other = await service.get(path, headers={"If-None-Match": '"other"'})
    assert other.status == 200


async def test_another_list_has_another_etag(service: Service, counted: Counted) -> None:
    counted.event("a", ago(minutes=5), views=1)
    counted.write()
    etags = {
        (await service.get(f"/v1/most-read?site={site}")).headers["ETag"]
        for site in (counted.site, "nobody")
    }
    assert len(etags) == 2


@pytest.mark.parametrize(
    ("path", "parameter"),
    [
        ("/v1/most-read?limit=500", "limit"),
        ("/v1/most-read?window=2h", "window"),
        ("/v1/most-read?colour=red", "colour"),
        ("/v1/articles/a?site=a/b", "site"),
    ],
)
async def test_a_bad_parameter_is_named(service: Service, path: str, parameter: str) -> None:
    answer = await service.get(path)
    assert answer.status == 400
    assert answer.content_type == "application/problem+json"
    problem = await answer.json()
    assert problem["type"] == "urn:mostread:problem:bad-parameter"
    assert problem["parameter"] == parameter
    assert problem["allowed"] in problem["detail"]


async def test_the_service_says_that_it_is_ready(service: Service) -> None:
    answer = await service.get("/readyz")
    assert await answer.json() == {"status": "ready", "checks": {"clickhouse": "ok"}}


async def test_what_is_done_is_measured(service: Service) -> None:
    for _ in range(3):
        await service.get("/v1/most-read?site=measured")
    await service.get("/nowhere")
    text = await (await service.get("/metrics")).text()
    assert (
        'mostread_ranking_request_duration_seconds_count{route="/v1/most-read",status="200"} 3.0'
        in text
    )
    assert 'mostread_ranking_request_duration_seconds_count{route="none",status="404"} 1.0' in text
    assert 'mostread_ranking_query_duration_seconds_count{query="ranked"} 2.0' in text
    assert 'mostread_ranking_cache_refreshes_total{outcome="done",resource="list"} 1.0' in text
    assert 'mostread_ranking_responses_total{cache="hit",resource="list"} 2.0' in text
    assert 'mostread_ranking_responses_total{cache="miss",resource="list"} 1.0' in text
