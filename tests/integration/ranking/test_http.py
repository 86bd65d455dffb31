"""HTTP: caching, CORS, problems, readiness and metrics."""

import pytest

from tests.support.ranking import Counted, Service, ago


async def test_list_is_cacheable_and_readable_cross_origin(service: Service) -> None:
    answer = await service.get("/v1/most-read")
    assert answer.headers["Cache-Control"] == "public, max-age=1"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.content_type == "application/json"


async def test_list_returns_304_if_unchanged(service: Service, counted: Counted) -> None:
    path = f"/v1/most-read?site={counted.site}"
    etag = (await service.get(path)).headers["ETag"]
    again = await service.get(path, headers={"If-None-Match": f'"other", {etag}'})
    assert (again.status, await again.read()) == (304, b"")
    assert again.headers["ETag"] == etag
    other = await service.get(path, headers={"If-None-Match": '"other"'})
    assert other.status == 200


async def test_different_lists_have_different_etags(service: Service, counted: Counted) -> None:
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
async def test_bad_parameter_is_named_in_problem(
    service: Service, path: str, parameter: str
) -> None:
    answer = await service.get(path)
    assert answer.status == 400
    assert answer.content_type == "application/problem+json"
    problem = await answer.json()
    assert problem["type"] == "urn:mostread:problem:bad-parameter"
    assert problem["parameter"] == parameter
    assert problem["allowed"] in problem["detail"]


async def test_readyz_reports_ready(service: Service) -> None:
    answer = await service.get("/readyz")
    assert await answer.json() == {"status": "ready", "checks": {"clickhouse": "ok"}}


async def test_metrics_count_requests_and_cache_lookups(service: Service) -> None:
    for _ in range(3):
        await service.get("/v1/most-read?site=measured")
    await service.get("/nowhere")
    text = await (await service.get("/metrics")).text()
    assert (
        'mostread_ranking_request_duration_seconds_count{route="/v1/most-read",status="200"} 3.0'
        in text
    )
    assert 'mostread_ranking_request_duration_seconds_count{route="none",status="404"} 1.0' in text
    assert 'mostread_ranking_query_duration_seconds_count{query="ranked_list"} 2.0' in text
    assert 'mostread_ranking_cache_refreshes_total{outcome="done",resource="list"} 1.0' in text
    assert 'mostread_ranking_responses_total{cache="hit",resource="list"} 2.0' in text
    assert 'mostread_ranking_responses_total{cache="miss",resource="list"} 1.0' in text
