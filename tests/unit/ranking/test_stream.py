"""Who follows a list is woken by what is new, and a slow one skips to the newest."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from mostread.core.ranking.windows import named
from mostread.ranking.api.lists import list_answer
from mostread.ranking.api.params import ListQuery
from mostread.ranking.api.stream import Event, Watch
from mostread.ranking.config import Weights
from mostread.ranking.service.lists import MostRead

NOW = datetime(2026, 11, 23, 14, 3, tzinfo=UTC)
LISTED = MostRead(ListQuery(), named("24h", NOW), NOW, False, (), Weights())


def event(name: str) -> Event:
    return Event(name, b"{}", b"{}")


def test_an_event_is_named_by_what_it_shows_and_not_by_its_time() -> None:
    later = NOW + timedelta(minutes=5)
    first, second, stale = (
        Event.of(list_answer(listed))
        for listed in (
            LISTED,
            replace(LISTED, window=named("24h", later), as_of=later),
            replace(LISTED, stale=True),
        )
    )
    assert first.id == second.id != stale.id
    assert first.data != second.data
    assert first.freshness != second.freshness


async def test_a_slow_one_skips_to_the_newest() -> None:
    watch = Watch(event("1"))
    for name in "234":
        watch.tell(event(name))
    await watch.change("1", seconds=60)
    assert watch.event.id == "4"


async def test_only_what_is_new_wakes() -> None:
    watch = Watch(event("1"))
    waiting = [asyncio.create_task(watch.change("1", seconds=60)) for _ in range(3)]
    await asyncio.sleep(0)
    watch.tell(event("1"))
    await asyncio.sleep(0)
    assert not any(task.done() for task in waiting)
    watch.tell(event("2"))
    await asyncio.gather(*waiting)


async def test_after_a_while_without_news_the_wait_ends() -> None:
    await Watch(event("1")).change("1", seconds=0.01)
