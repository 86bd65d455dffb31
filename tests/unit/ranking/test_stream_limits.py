"""Limits of streams, while the lists of several clients are loaded at the same time."""

import asyncio
from types import SimpleNamespace
from typing import cast

import pytest
from prometheus_client import CollectorRegistry

from mostread.errors import TooManyStreams
from mostread.infra import request_id
from mostread.infra.http.messages import Request, StreamResponse
from mostread.ranking.api.stream import StreamEvent, StreamHub
from mostread.ranking.metrics import RankingMetrics
from tests.support.http import FakeHeaders

REQUEST = cast("Request", SimpleNamespace(headers=FakeHeaders({})))


async def load() -> StreamEvent:
    await asyncio.sleep(0)
    return StreamEvent("id", b"{}", lambda: b"{}")


@pytest.mark.parametrize(("max_clients", "max_lists"), [(2, 9), (9, 2)])
async def test_concurrent_clients_do_not_exceed_the_limits(
    max_clients: int, max_lists: int
) -> None:
    registry = CollectorRegistry()
    hub = StreamHub(RankingMetrics(registry), max_clients=max_clients, max_lists=max_lists)

    results = await asyncio.gather(
        *(hub.serve(REQUEST, {number: load}) for number in range(5)), return_exceptions=True
    )

    served = [each for each in results if isinstance(each, StreamResponse)]
    assert len(served) == 2
    assert all(isinstance(each, TooManyStreams | StreamResponse) for each in results)
    assert registry.get_sample_value("mostread_ranking_stream_clients") == 2
    for stream in served:
        assert (await anext(stream.chunks)).startswith(b"retry: ")
        await stream.chunks.aclose()
    assert registry.get_sample_value("mostread_ranking_stream_clients") == 0


async def test_client_that_joins_a_list_gets_the_event_that_others_have() -> None:
    loads: list[int] = []

    async def count() -> StreamEvent:
        loads.append(1)
        return await load()

    hub = StreamHub(RankingMetrics(CollectorRegistry()), max_clients=9, max_lists=9)
    streams = [await hub.serve(REQUEST, {"list": count}) for _ in range(3)]
    for stream in streams:
        assert (await anext(stream.chunks)).startswith(b"retry: ")
        await stream.chunks.aclose()
    assert len(loads) == 1


async def test_shared_refresh_has_no_request_id_but_the_first_load_has() -> None:
    ids: list[str] = []
    refreshed = asyncio.Event()

    async def record() -> StreamEvent:
        ids.append(request_id.current())
        if len(ids) == 2:
            refreshed.set()
        return await load()

    request_id.begin(None, "first")
    hub = StreamHub(RankingMetrics(CollectorRegistry()), max_clients=9, max_lists=9)
    stream = await hub.serve(REQUEST, {"list": record}, every=0)
    await refreshed.wait()
    await stream.chunks.aclose()
    assert ids[:2] == ["first", ""]
