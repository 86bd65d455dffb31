"""From POST to visible in the list, under steady traffic, on the whole real way."""

import asyncio
import time

import aiohttp

from mostread.loadgen import Sender, Traffic, paced
from system import System

PROBES_A_SECOND = 4
ARTICLES = [f"article-{number}" for number in range(500)]


async def measure(system: System, *, rate: int, seconds: int) -> list[float]:
    """Return, in seconds, how long each of some probes took to be listed.

    A probe is one view of an article never seen before, on a site of its own, sent beside
    `rate` events a second; the list of that site is asked for all the time, as a page does.
    """
    collector, ranking = system.service("collector"), system.service("ranking")
    for service in (collector, ranking, system.service("aggregator")):
        service.wait_ready()
    sent: dict[str, float] = {}
    took: dict[str, float] = {}

    async with aiohttp.ClientSession() as session:

        async def traffic() -> None:
            sender = Sender(session, collector.url)
            async with asyncio.TaskGroup() as sending:
                async for batch in paced(Traffic(ARTICLES, site="default", seed=1), rate):
                    sending.create_task(sender.send(batch))

        async def probes() -> None:
            for number in range(seconds * PROBES_A_SECOND):
                event = {"type": "view", "site": "probe", "article_id": f"probe-{number}"}
                sent[f"probe-{number}"] = time.monotonic()
                async with session.post(f"{collector.url}/v1/events", json=event) as answer:
                    assert answer.status == 202
                await asyncio.sleep(1 / PROBES_A_SECOND)

        async def watch() -> None:
            address = f"{ranking.url}/v1/most-read?site=probe&window=1h&limit=100&offset="
            while len(took) < seconds * PROBES_A_SECOND:
                # The newest stand last or anywhere: all of them have one view.
                for offset in range(0, len(sent) + 1, 100):
                    async with session.get(f"{address}{offset}") as answer:
                        listed = (await answer.json())["items"]
                    now = time.monotonic()
                    for item in listed:
                        name = item["article_id"]
                        took.setdefault(name, now - sent[name])
                await asyncio.sleep(0.02)

        background = asyncio.create_task(traffic())
        await asyncio.sleep(3)
        await asyncio.gather(probes(), watch())
        background.cancel()
        await asyncio.gather(background, return_exceptions=True)
    return list(took.values())
