"""Streams: clients are woken by new content, and slow ones skip to the newest event."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from mostread.core.ranking.windows import resolve
from mostread.ranking.api import serializers
from mostread.ranking.api.stream import ListWatch, StreamEvent
from mostread.ranking.config import Weights
from mostread.ranking.queries import ListQuery
from mostread.ranking.service.lists import RankedList

NOW = datetime(2026, 11, 23, 14, 3, tzinfo=UTC)
RANKED = RankedList(ListQuery(), resolve("24h", NOW), NOW, False, (), Weights())


def event(name: str) -> StreamEvent:
    return StreamEvent(name, b"{}", b"{}")


def test_event_id_depends_on_content_and_not_on_time() -> None:
    later = NOW + timedelta(minutes=5)
    first, second, stale = (
        StreamEvent.of(ranked, serializers.ranked_list(ranked))
        for ranked in (
            RANKED,
            replace(RANKED, window=resolve("24h", later), as_of=later),
            replace(RANKED, stale=True),
        )
    )
    assert first.id == second.id != stale.id
    assert first.data != second.data
    assert first.freshness != second.freshness


async def test_slow_client_skips_to_newest_event() -> None:
    watch = ListWatch(event("1"))
    for name in "234":
        watch.publish(event(name))
    await watch.wait("1", seconds=60)
    assert watch.event.id == "4"


async def test_watch_wakes_clients_only_for_new_content() -> None:
    watch = ListWatch(event("1"))
    waiting = [asyncio.create_task(watch.wait("1", seconds=60)) for _ in range(3)]
    await asyncio.sleep(0)
    watch.publish(event("1"))
    await asyncio.sleep(0)
    assert not any(task.done() for task in waiting)
    watch.publish(event("2"))
    await asyncio.gather(*waiting)


async def test_wait_ends_after_timeout_without_change() -> None:
    await ListWatch(event("1")).wait("1", seconds=0.01)
