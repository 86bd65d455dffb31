"""Streams: clients are woken by new content, and slow ones skip to the newest event."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from mostread.core.ranking.windows import resolve
from mostread.ranking.api import serializers
from mostread.ranking.api.responses import CachedResponse
from mostread.ranking.api.stream import ListWatch, StreamEvent
from mostread.ranking.config import Weights
from mostread.ranking.queries import ListQuery
from mostread.ranking.service.lists import RankedList

NOW = datetime(2026, 11, 23, 14, 3, tzinfo=UTC)
RANKED = RankedList(ListQuery(), resolve("24h", NOW), NOW, False, (), Weights())


def event(name: str) -> StreamEvent:
    return StreamEvent(name, b"{}", lambda: b"{}")


def response(ranked: RankedList) -> CachedResponse:
    return CachedResponse.of_document(serializers.ranked_list(ranked))


def test_tag_of_list_depends_on_content_and_not_on_time() -> None:
    later = NOW + timedelta(minutes=5)
    first = response(RANKED)
    second = response(replace(RANKED, window=resolve("24h", later), as_of=later))
    stale = response(replace(RANKED, stale=True))
    assert first.tag == second.tag != stale.tag
    assert first.body != second.body
    assert second.headers["Mostread-As-Of"] == "2026-11-23T14:08:00.000Z"


def test_tag_of_list_changes_when_a_calendar_window_begins() -> None:
    today, tomorrow = (
        response(replace(RANKED, window=resolve("today", NOW + timedelta(days=days))))
        for days in (0, 1)
    )
    assert today.tag != tomorrow.tag


async def test_slow_client_skips_to_newest_event() -> None:
    watch = ListWatch(event("1"))
    for name in "234":
        watch.publish(event(name))
    assert watch.changed.data == b"event: list\nid: 4\ndata: {}\n\n"


async def test_watch_wakes_clients_only_for_new_content() -> None:
    watch = ListWatch(event("1"))
    watch.clients |= {asyncio.Event(), asyncio.Event()}
    watch.publish(StreamEvent("1", b"{}", lambda: b'{"as_of":2}'))
    assert not any(client.is_set() for client in watch.clients)
    assert watch.unchanged().data == b'event: fresh\ndata: {"as_of":2}\n\n'
    watch.publish(event("2"))
    assert all(client.is_set() for client in watch.clients)


async def test_event_continues_the_previous_one() -> None:
    watch = ListWatch(event("1"))
    previous = watch.changed.data
    watch.publish(event("2"))
    assert watch.changed.after is previous


async def test_clients_share_one_rendering_of_an_unchanged_list() -> None:
    rendered: list[bytes] = []

    def fresh() -> bytes:
        rendered.append(b"{}")
        return b"{}"

    watch = ListWatch(StreamEvent("1", b"{}", fresh))
    assert not rendered
    assert watch.unchanged() is watch.unchanged()
    assert len(rendered) == 1
