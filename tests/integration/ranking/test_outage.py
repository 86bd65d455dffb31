"""The process: it starts without ClickHouse, survives its outage, and shuts down cleanly."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp

from mostread.devstack.servers.clickhouse import LocalClickHouse
from mostread.infra.clickhouse.client import connect
from mostread.infra.clickhouse.config import ClickHouseSettings
from mostread.infra.clickhouse.migrations import migrate
from tests.support.ranking import FIRST, Counted
from tests.support.servers import free_ports


@asynccontextmanager
async def ranking(url: str) -> AsyncIterator[aiohttp.ClientSession]:
    """Run `mostread ranking` as a process; expect that SIGTERM ends it with exit code 0."""
    [port] = free_ports(1)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "mostread",
        "ranking",
        env={
            **os.environ,
            "MOSTREAD_CLICKHOUSE_URL": url,
            "MOSTREAD_RANKING_PORT": str(port),
        },
    )
    try:
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
            await answers(session, "/healthz", 200)
            yield session
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def answers(
    session: aiohttp.ClientSession, path: str, status: int, **members: object
) -> dict[str, Any]:
    """Poll until the response has this status and members, up to the time limit of the test."""
    while True:
        try:
            async with session.get(path) as answer:
                if answer.status == status:
                    body: dict[str, Any] = await answer.json(content_type=None)
                    if members.items() <= body.items():
                        return body
        except aiohttp.ClientConnectionError:
            pass
        await asyncio.sleep(0.05)


def count_something(settings: ClickHouseSettings) -> None:
    client = connect(settings)
    now = datetime.now(UTC)
    counted = Counted(client, "default")
    counted.event("a", now, views=1)
    counted.article("a")
    counted.write()
    # In the future, so that the list does not become stale by age.
    counted.progress(now + timedelta(days=1), 0, 1, FIRST)
    client.close()


async def test_ranking_serves_stale_lists_while_clickhouse_is_down(tmp_path: Path) -> None:
    [port] = free_ports(1)
    server = LocalClickHouse(tmp_path, port)
    async with ranking(f"http://127.0.0.1:{port}") as session:
        not_ready = await answers(session, "/readyz", 503)
        assert "clickhouse" in not_ready["failing"]
        async with session.get("/v1/most-read") as answer:
            assert answer.status == 503
            assert int(answer.headers["Retry-After"]) > 0
            assert (await answer.json())["type"] == "urn:mostread:problem:counters-unavailable"
        async with session.get("/") as answer:
            assert answer.status == 503
            assert "The counters are unavailable" in await answer.text()
        try:
            await asyncio.to_thread(server.start)
            not_migrated = await answers(session, "/readyz", 503)
            assert "mostread init" in not_migrated["failing"]["clickhouse"]
            await asyncio.to_thread(migrate, ClickHouseSettings(clickhouse_url=server.url))
            await answers(session, "/readyz", 200)
            await asyncio.to_thread(count_something, ClickHouseSettings(clickhouse_url=server.url))
            fresh = await answers(session, "/v1/most-read", 200, stale=False)
            assert len(fresh["items"]) == 1

            await asyncio.to_thread(server.kill)
            stale = await answers(session, "/v1/most-read", 200, stale=True)
            assert stale["items"] == fresh["items"]
            async with session.get("/v1/most-read?site=not-cached") as answer:
                assert answer.status == 503

            await asyncio.to_thread(server.start)
            await answers(session, "/v1/most-read?site=not-cached", 200)
        finally:
            await asyncio.to_thread(server.stop)
