"""Measure the time from POST to list under steady traffic."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import aiohttp

from tests.support.system import System

PROBES_PER_SECOND = 4
WARM_UP_SECONDS = 3
TIMEOUT_SECONDS = 120
"""Time to wait for the last probe; then the run has failed."""


async def measure(system: System, *, rate: int, seconds: int) -> list[float]:
    """Return the seconds that each probe took to be listed.

    A probe is one view of a new article on a separate site, sent besides `rate` events per second.
    The list of that site is polled continuously.
    """
    collector, ranking = system.service("collector"), system.service("ranking")
    for service in (collector, ranking, system.service("aggregator")):
        service.wait_ready()
    with _traffic(collector.url, rate):
        await asyncio.sleep(WARM_UP_SECONDS)
        async with asyncio.timeout(seconds + TIMEOUT_SECONDS), aiohttp.ClientSession() as session:
            return await _probe(session, collector.url, ranking.url, seconds * PROBES_PER_SECOND)


@contextmanager
def _traffic(url: str, rate: int) -> Iterator[None]:
    """Send from a separate process, so that sending does not delay the polling."""
    options = ["--rate", str(rate), "--duration", "86400", "--url", url, "--seed", "1"]
    process = subprocess.Popen(
        [sys.executable, "-m", "mostread", "loadgen", *options], stdout=subprocess.DEVNULL
    )
    try:
        yield
        assert process.poll() is None, "the traffic ended early"
    finally:
        process.kill()
        process.wait()


async def _probe(
    session: aiohttp.ClientSession, collector: str, ranking: str, probes: int
) -> list[float]:
    sent: dict[str, float] = {}
    took: dict[str, float] = {}

    async def send() -> None:
        for number in range(probes):
            event = {"type": "view", "site": "probe", "article_id": f"probe-{number}"}
            sent[f"probe-{number}"] = time.monotonic()
            async with session.post(f"{collector}/v1/events", json=event) as response:
                assert response.status == 202
            await asyncio.sleep(1 / PROBES_PER_SECOND)

    async def watch() -> None:
        address = f"{ranking}/v1/most-read?site=probe&window=1h&limit=100&offset="
        while len(took) < probes:
            # A new article can be on any page, since all have one view.
            for offset in range(0, len(sent) + 1, 100):
                async with session.get(f"{address}{offset}") as response:
                    listed = (await response.json())["items"]
                now = time.monotonic()
                for item in listed:
                    name = item["article_id"]
                    took.setdefault(name, now - sent[name])
            await asyncio.sleep(0.02)

    async with asyncio.TaskGroup() as both:
        both.create_task(send())
        both.create_task(watch())
    return list(took.values())
