"""What was answered with 202 is counted exactly once, whatever dies on the way."""

import asyncio
import random
import time
from collections import Counter as Tally
from dataclasses import dataclass, field

import aiohttp
import orjson
import pytest

from mostread.local.clickhouse import LocalClickHouse
from system import System, wait_until

EVENTS = 200_000
CLIENTS = 8
HOUR = 3_600_000

Event = dict[str, object]


@dataclass
class Ledger:
    """What the clients know: the events whose request was answered with 202."""

    accepted: dict[str, Event] = field(default_factory=dict)
    rejected: int = 0

    def counters(self) -> dict[tuple[str, str, int, str], tuple[int, int, int]]:
        """Count the accepted events as plainly as possible."""
        tally: Tally[tuple[str, int, str, str]] = Tally()
        for event in self.accepted.values():
            kind, article = str(event["type"]), str(event["article_id"])
            tally["total", 0, article, kind] += 1
            if not event["id"].startswith("late"):  # type: ignore[attr-defined]
                second = int(str(event["timestamp"])) // 1000
                tally["minute", second - second % 60, article, kind] += 1
                tally["hour", second - second % 3600, article, kind] += 1
        return {
            ("default", grain, window, article): (
                tally[grain, window, article, "view"],
                tally[grain, window, article, "comment"],
                tally[grain, window, article, "like"],
            )
            for grain, window, article, _ in tally
        }


def make_event(chance: random.Random, now: int) -> Event:
    late = chance.random() < 0.05
    age = 30 * HOUR if late else chance.choice([0, 0, 0, 90_000, 2 * HOUR, 20 * HOUR])
    return {
        "id": f"{'late' if late else 'e'}-{chance.getrandbits(80):020x}",
        "type": chance.choices(["view", "comment", "like"], [90, 3, 7])[0],
        "article_id": f"article-{min(int(chance.paretovariate(0.6)), 3000)}",
        "timestamp": now - age,
    }


async def send(session: aiohttp.ClientSession, url: str, batch: list[Event | str]) -> Ledger:
    """Send `batch` until it is answered with 202, as a client with ids does."""
    body = b"\n".join(orjson.dumps(event) for event in batch)
    while True:
        try:
            async with session.post(f"{url}/v1/events", data=body) as answer:
                if answer.status == 202:
                    said = await answer.json()
                    break
                assert answer.status == 503, await answer.text()
        except aiohttp.ClientConnectionError:
            pass
        await asyncio.sleep(0.2)
    refused = {each["index"] for each in said["rejected"]}
    assert refused == {i for i, event in enumerate(batch) if isinstance(event, str)}
    assert said["accepted"] == len(batch) - len(refused)
    accepted = {str(event["id"]): event for event in batch if isinstance(event, dict)}
    return Ledger(accepted, len(refused))


async def client(url: str, seed: int, ledger: Ledger) -> None:
    chance = random.Random(seed)
    now = time.time_ns() // 1_000_000
    sent: list[Event] = []
    todo = EVENTS // CLIENTS
    async with aiohttp.ClientSession() as session:
        while todo > 0:
            fresh = [make_event(chance, now) for _ in range(min(todo, chance.choice([1, 20, 300])))]
            todo -= len(fresh)
            again = [chance.choice(sent) for _ in range(len(fresh) // 20) if sent]
            wrong = ["no event"] if chance.random() < 0.2 else []
            batch: list[Event | str] = [*fresh, *again, *wrong]
            chance.shuffle(batch)
            sent += fresh
            done = await send(session, url, batch)
            ledger.accepted |= done.accepted
            ledger.rejected += done.rejected


@pytest.mark.timeout(170)
async def test_200_thousand_events_are_exact_through_kills(
    system: System, clickhouse: LocalClickHouse
) -> None:
    collector = system.service("collector").wait_ready()
    workers = [system.service("aggregator"), system.service("aggregator")]
    for worker in workers:
        worker.wait_ready()
    ledger = Ledger()

    async def faults() -> None:
        def expected(share: float) -> bool:
            return len(ledger.accepted) >= EVENTS * share

        await asyncio.to_thread(wait_until, lambda: expected(0.2), "a fifth is accepted")
        workers[0].kill()
        await asyncio.to_thread(wait_until, lambda: expected(0.4), "two fifths are accepted")
        clickhouse.kill()
        workers[0].start()
        await asyncio.to_thread(wait_until, lambda: expected(0.7), "most are accepted")
        # In this thread: the kernel ends the server when the thread that started it is gone.
        clickhouse.start()

    try:
        await asyncio.gather(
            faults(), *(client(collector.url, seed, ledger) for seed in range(CLIENTS))
        )
    finally:
        if not clickhouse.is_ready():
            clickhouse.start()
    assert len(ledger.accepted) == EVENTS
    assert ledger.rejected > 0

    log = system.log()
    total = sum(records[-1].offset + 1 for records in log.values() if records)
    wait_until(lambda: system.counted() >= total, "all records are counted")
    counted: dict[tuple[str, str, int, str], tuple[int, int, int]] = {}
    for partition in system.counters().values():
        for key, numbers in partition.items():
            assert key not in counted, "an article stands in one partition only"
            counted[key] = numbers
    expected = ledger.counters()
    assert counted.keys() == expected.keys()
    assert {key: n for key, n in counted.items() if n != expected[key]} == {}
    late = sum(event_id.startswith("late") for event_id in ledger.accepted)
    outcomes: Tally[str] = Tally()
    for each in system.outcomes().values():
        outcomes.update(each)
    assert outcomes["counted"] == EVENTS - late
    assert outcomes["late"] == late
    assert outcomes["received"] == EVENTS + outcomes["duplicate"]
    for worker in workers:
        assert worker.stop() == 0
