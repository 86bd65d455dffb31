"""Operational routes, and metrics that are refreshed on scrape."""

import asyncio
import platform
import re
from importlib.metadata import version

import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from mostread.infra.http import operations
from mostread.infra.http.application import Application
from mostread.infra.http.config import ServiceSettings
from mostread.infra.http.operations import (
    ScrapeRegistry,
    add_operational_routes,
    new_registry,
)
from tests.support.http import client_of


async def _ready() -> str | None:
    return None


async def _broken() -> str | None:
    return "no broker"


async def test_readyz_is_200_if_every_check_passes() -> None:
    app = Application(ServiceSettings())
    add_operational_routes(app, checks={"kafka": _ready}, registry=CollectorRegistry())
    async with client_of(app) as client:
        response = await client.get("/readyz")

        assert response.status == 200
        assert await response.json() == {"status": "ready", "checks": {"kafka": "ok"}}


async def test_readyz_is_503_with_the_errors_by_check() -> None:
    checks = {"kafka": _broken, "clickhouse": _ready}
    app = Application(ServiceSettings())
    add_operational_routes(app, checks=checks, registry=CollectorRegistry())
    async with client_of(app) as client:
        response = await client.get("/readyz")
        body = await response.json()

        assert response.status == 503
        assert body["detail"] == "kafka: no broker"
        assert body["failing"] == {"kafka": "no broker"}


@pytest.mark.parametrize("revision", ["", "8f2c1d0"])
def test_registry_names_the_build_and_has_no_created_series(revision: str) -> None:
    registry = new_registry(revision)
    Counter("events", "Events.", ["kind"], registry=registry).labels("a").inc()
    Histogram("seconds", "Seconds.", registry=registry).observe(1)
    exposition = generate_latest(registry).decode()

    [build] = [line for line in exposition.splitlines() if line.startswith("mostread_build_info")]
    labels = dict(re.findall(r'(\w+)="([^"]*)"', build))
    assert labels == {
        "version": version("mostread"),
        "python": platform.python_version(),
        **({"revision": revision} if revision else {}),
    }
    assert 'events_total{kind="a"} 1.0' in exposition
    assert "_created" not in exposition


async def test_scrape_refreshes_metrics_first() -> None:
    registry = CollectorRegistry()
    lag = Gauge("lag", "Lag.", registry=registry)

    async def refresh() -> None:
        lag.inc()

    scrape = ScrapeRegistry(registry, refresh)
    app = Application(ServiceSettings())
    add_operational_routes(app, checks={}, registry=scrape)
    async with client_of(app) as client:
        assert "lag 1.0" in await (await client.get("/metrics")).text()
        assert "lag 2.0" in await (await client.get("/metrics")).text()
    await scrape.close()


async def test_scrape_with_failed_refresh_returns_other_metrics() -> None:
    registry = CollectorRegistry()

    async def refresh() -> None:
        raise RuntimeError("no broker")

    assert await ScrapeRegistry(registry, refresh)() is registry


async def test_slow_refresh_is_shared_by_scrapes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations, "_REFRESH_SECONDS", 0.01)
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
