"""Operational routes and metrics that are refreshed or merged on scrape."""

import asyncio

import pytest
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client import CollectorRegistry, Gauge, generate_latest

from mostread.errors import Misconfigured
from mostread.infra.http import server
from mostread.infra.http.config import ServiceSettings
from mostread.infra.http.prefork import MergedMetrics
from mostread.infra.http.server import ScrapeRegistry, listen, new_application


async def _ready() -> str | None:
    return None


async def _broken() -> str | None:
    return "no broker"


async def test_readyz_is_200_if_every_check_passes() -> None:
    app = new_application(checks={"kafka": _ready}, registry=CollectorRegistry())
    async with TestClient(TestServer(app)) as client:
        response = await client.get("/readyz")

        assert response.status == 200
        assert await response.json() == {"status": "ready", "checks": {"kafka": "ok"}}


async def test_readyz_is_503_with_the_errors_by_check() -> None:
    checks = {"kafka": _broken, "clickhouse": _ready}
    app = new_application(checks=checks, registry=CollectorRegistry())
    async with TestClient(TestServer(app)) as client:
        response = await client.get("/readyz")
        body = await response.json()

        assert response.status == 503
        assert body["detail"] == "kafka: no broker"
        assert body["failing"] == {"kafka": "no broker"}


async def test_scrape_refreshes_metrics_first() -> None:
    registry = CollectorRegistry()
    lag = Gauge("lag", "Lag.", registry=registry)

    async def refresh() -> None:
        lag.inc()

    scrape = ScrapeRegistry(registry, refresh)
    app = new_application(checks={}, registry=scrape)
    async with TestClient(TestServer(app)) as client:
        assert "lag 1.0" in await (await client.get("/metrics")).text()
        assert "lag 2.0" in await (await client.get("/metrics")).text()
    await scrape.close()


async def test_scrape_with_failed_refresh_returns_other_metrics() -> None:
    registry = CollectorRegistry()

    async def refresh() -> None:
        raise RuntimeError("no broker")

    assert await ScrapeRegistry(registry, refresh)() is registry


async def test_slow_refresh_is_shared_by_scrapes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "_REFRESH_SECONDS", 0.01)
    registry = CollectorRegistry()
    started = 0

    async def refresh() -> None:
        nonlocal started
        started += 1
        await asyncio.Event().wait()

    scrape = ScrapeRegistry(registry, refresh)
    assert await scrape() is registry
    assert await scrape() is registry
    assert started == 1
    await scrape.close()


def test_merged_metrics_have_a_label_per_worker() -> None:
    merged = MergedMetrics()
    for worker in (1, 2):
        registry = CollectorRegistry()
        Gauge("connections", "Connections.", registry=registry).set(worker * 10)
        merged.add(worker, generate_latest(registry).decode())

    (family,) = merged.collect()
    assert {sample.labels["worker"]: sample.value for sample in family.samples} == {
        "1": 10,
        "2": 20,
    }


async def test_listen_on_a_used_port_names_the_setting() -> None:
    used = await asyncio.get_running_loop().create_server(asyncio.Protocol, "127.0.0.1", 0)
    port = used.sockets[0].getsockname()[1]
    app = new_application(checks={}, registry=CollectorRegistry())
    with pytest.raises(Misconfigured, match=f"127.0.0.1:{port} .*MOSTREAD_RANKING_PORT"):
        await listen(app, "127.0.0.1", port, "MOSTREAD_RANKING_PORT", ServiceSettings())
    used.close()
    await used.wait_closed()
