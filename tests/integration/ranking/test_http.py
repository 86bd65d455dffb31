"""HTTP: caching, CORS, problems, readiness and metrics."""

import asyncio

import pytest

from tests.support.ranking import FIRST, Counted, Service, ago


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


@pytest.mark.parametrize("path", ["/v1/most-read?", "/v1/articles/a?", "/v1/articles/a/series?"])
async def test_unchanged_content_returns_304_with_current_as_of(
    service: Service, counted: Counted, path: str
) -> None:
    counted.event("a", ago(minutes=5), views=1)
    counted.write()
    counted.progress(ago(seconds=5), 0, 1, FIRST)
    path += f"site={counted.site}"
    first = await service.get(path)
    assert first.headers["Mostread-As-Of"] == (await first.json())["as_of"]
    counted.client.command("TRUNCATE TABLE checkpoint_versions")
    counted.progress(ago(seconds=4), 0, 1, FIRST)
    while True:
        again = await service.get(path, headers={"If-None-Match": first.headers["ETag"]})
        assert again.status == 304
        exposed = "Mostread-As-Of, ETag, Retry-After, X-Request-Id"
        assert again.headers["Access-Control-Expose-Headers"] == exposed
        if again.headers["Mostread-As-Of"] == "2026-11-23T14:03:01.000Z":
            break
        # Until the cached value is refreshed, up to the time limit of the test.
        await asyncio.sleep(0.05)


async def test_list_is_gzipped_for_clients_that_accept_it(
    service: Service, counted: Counted
) -> None:
    for number in range(10):
        counted.event(f"{number}", ago(minutes=5), views=1)
    counted.write()
    path = f"/v1/most-read?site={counted.site}"
    plain, gzipped = [
        await service.get(path, headers={"Accept-Encoding": accepted})
        for accepted in ("identity", "gzip")
    ]
    assert "Content-Encoding" not in plain.headers
    assert gzipped.headers["Content-Encoding"] == "gzip"
    assert int(gzipped.headers["Content-Length"]) < len(await plain.read()) / 3
    assert (await gzipped.json())["items"] == (await plain.json())["items"]
    for answer in (plain, gzipped):
        assert answer.headers["Vary"] == "Accept-Encoding"
        assert answer.headers["ETag"] == plain.headers["ETag"]


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
    assert 'mostread_ranking_request_duration_seconds_count{route="other",status="404"} 1.0' in text
    assert 'mostread_ranking_query_duration_seconds_count{query="ranked_list"} 2.0' in text
    assert 'mostread_ranking_cache_refreshes_total{outcome="done",resource="list"} 1.0' in text
    assert 'mostread_ranking_responses_total{cache="hit",resource="list"} 2.0' in text
    assert 'mostread_ranking_responses_total{cache="miss",resource="list"} 1.0' in text


@pytest.mark.parametrize(
    "path", ["/?", "/articles/a?over=7d&", "/feed.xml?", "/feed.json?", "/v1/most-read.html?"]
)
async def test_links_work_with_parameters_of_mailers_and_networks(
    service: Service, counted: Counted, path: str
) -> None:
    counted.article("a", url="https://n.example/a")
    counted.event("a", ago(minutes=5), views=1)
    counted.write()
    answer = await service.get(f"{path}site={counted.site}&utm_source=letter&fbclid=1&fbclid=2")
    text = await answer.text()
    assert answer.status == 200
    assert "Title of a" in text
    assert not [each for each in ("utm_source", "fbclid") if each in text]
    # A misspelt parameter of the API would have no effect.
    answer = await service.get(f"/v1/most-read?site={counted.site}&sections=City")
    assert (answer.status, (await answer.json())["parameter"]) == (400, "sections")
