"""Streams: lists as server-sent events, sent when they change."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import orjson
import pytest
from aiohttp import ClientResponse, ClientSession

from mostread.infra.clickhouse.client import connect
from mostread.ranking.api import stream
from mostread.ranking.app import ranking_app
from mostread.ranking.config import RankingSettings
from tests.support.http import client_of, url_of
from tests.support.ranking import FIRST, NOW, Counted, Service, ago


@pytest.fixture
async def service(
    ranking_settings: RankingSettings, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Service]:
    monkeypatch.setattr(stream, "HEARTBEAT_SECONDS", 0.2)
    few = ranking_settings.model_copy(
        update={"ranking_max_stream_clients": 3, "ranking_max_stream_lists": 2}
    )
    async with (
        ranking_app(few, clock=lambda: int(NOW.timestamp() * 1000)) as app,
        client_of(app) as client,
    ):
        yield client


async def following(service: Service, query: str, last: str | None = None) -> ClientResponse:
    headers = {"Last-Event-ID": last} if last else {}
    answer = await service.get(f"/v1/stream?{query}", headers=headers)
    assert answer.status == 200, await answer.text()
    assert answer.content_type == "text/event-stream"
    return answer


async def event(answer: ClientResponse, kind: str) -> dict[str, Any]:
    """Return the data of the next event of a kind; skip others."""
    while True:
        block = (await answer.content.readuntil(b"\n\n")).decode()
        fields = dict(line.split(": ", 1) for line in block.strip().split("\n"))
        if fields.get("event") == kind:
            return {**fields, "data": orjson.loads(fields["data"])}


def count(settings: RankingSettings, counted: Counted, views: int) -> None:
    more = Counted(connect(settings), counted.site)
    more.event("b", ago(minutes=3), views=views)
    more.write()
    more.client.close()


async def test_stream_sends_list_and_then_changes(
    service: Service, counted: Counted, ranking_settings: RankingSettings
) -> None:
    counted.event("a", ago(minutes=5), views=3)
    counted.write()
    counted.progress(ago(seconds=2), 0, 1, FIRST)
    query = f"site={counted.site}&limit=5"
    answer = await following(service, query)
    first = await event(answer, "list")
    assert [item["article_id"] for item in first["data"]["items"]] == ["a"]
    fresh = await event(answer, "fresh")
    assert fresh["data"] == {"as_of": "2026-11-23T14:03:03.000Z", "stale": False}
    await asyncio.to_thread(count, ranking_settings, counted, 5)
    second = await event(answer, "list")
    assert [item["article_id"] for item in second["data"]["items"]] == ["b", "a"]
    assert second["id"] != first["id"]

    # A client with the newest list gets `fresh`, one with an older list the newest.
    has_it = await following(service, query, second["id"])
    kinds = [(await has_it.content.readuntil(b"\n\n")).split(b"\n")[0] for _ in range(3)]
    assert kinds == [b"retry: 2000", b"event: fresh", b"event: fresh"]
    older = await following(service, query, first["id"])
    assert (await event(older, "list"))["id"] == second["id"]
    for each in (answer, has_it, older):
        each.close()


async def test_stream_is_gzipped_and_decodable_event_by_event(
    service: Service, counted: Counted, ranking_settings: RankingSettings
) -> None:
    counted.event("a", ago(minutes=5), views=3)
    counted.write()
    query = f"site={counted.site}"
    answer = await service.get(f"/v1/stream?{query}", headers={"Accept-Encoding": "gzip"})
    # The client of these tests decodes the body as it arrives.
    assert answer.headers["Content-Encoding"] == "gzip"
    first = await event(answer, "list")
    await event(answer, "fresh")
    await asyncio.to_thread(count, ranking_settings, counted, 5)
    second = await event(answer, "list")
    assert [item["article_id"] for item in second["data"]["items"]] == ["b", "a"]
    assert second["data"]["items"][1] == {**first["data"]["items"][0], "rank": 2}
    plain = await service.get(f"/v1/stream?{query}", headers={"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in plain.headers
    assert (await event(plain, "list"))["id"] == second["id"]
    answer.close()
    plain.close()


async def test_clients_of_a_list_share_one_computation(service: Service, counted: Counted) -> None:
    answers = [await following(service, f"site={counted.site}") for _ in range(3)]
    for answer in answers:
        await event(answer, "list")
        await event(answer, "fresh")
    metrics = await (await service.get("/metrics")).text()
    refreshes = metrics.split('cache_refreshes_total{outcome="done",resource="list"} ')[1]
    assert float(refreshes.split("\n")[0]) <= 2  # once, and perhaps again a second later
    assert "mostread_ranking_stream_clients 3.0" in metrics
    assert 'route="/v1/stream"' not in metrics
    for answer in answers:
        answer.close()


async def test_stream_limits_clients_and_lists(service: Service, counted: Counted) -> None:
    answers = [await following(service, f"site={counted.site}&limit={n}") for n in (1, 2)]
    refused = await service.get(f"/v1/stream?site={counted.site}&limit=3")
    assert refused.status == 503
    assert int(refused.headers["Retry-After"]) > 0
    assert (await refused.json())["type"] == "urn:mostread:problem:overloaded"
    answers.append(await following(service, f"site={counted.site}&limit=2"))
    assert (await service.get(f"/v1/stream?site={counted.site}&limit=2")).status == 503
    # A client that disconnects frees its place.
    answers.pop().close()
    answers.append(await admitted(service, f"site={counted.site}&limit=2"))
    for answer in answers:
        answer.close()


async def admitted(service: Service, query: str) -> ClientResponse:
    """Retry until the stream is accepted, up to the time limit of the test."""
    while True:
        answer = await service.get(f"/v1/stream?{query}")
        if answer.status == 200:
            return answer
        await asyncio.sleep(0.05)


async def test_shutdown_disconnects_stream_clients(
    ranking_settings: RankingSettings, counted: Counted
) -> None:
    async with ranking_app(ranking_settings) as app, AsyncExitStack() as stack:
        async with url_of(app) as url:
            service = await stack.enter_async_context(ClientSession(url))
            answer = await following(service, f"site={counted.site}")
            await event(answer, "list")
        # The server has stopped, while the client still reads.
        while not answer.content.at_eof():
            await answer.content.readany()


async def test_stream_rejects_invalid_parameters(service: Service) -> None:
    assert (await service.get("/v1/stream?cursor=*")).status == 400
    assert (await service.get("/v1/stream?by=shares")).status == 400
