"""Partitions that are read again while the positions of an assignment are still being set."""

import asyncio
from typing import Any

import pytest
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from mostread.aggregator.stream.consumer import CheckpointConsumer

READ, STOPPED = TP("events", 0), TP("events", 1)


class Transport:
    def __init__(self) -> None:
        self.starts = {READ: 5}
        self.stopped = {STOPPED}


class SeekingConsumer(CheckpointConsumer):
    """Consumer without a broker, whose seeks are noted."""

    def __init__(self) -> None:
        self.transport = Transport()
        self.stopped = frozenset()
        self.sought: dict[TP, int] = {}
        self._read_offset: dict[TP, int | None] = {}
        self._committed_offset: dict[TP, int | None] = {}

    def assignment(self) -> set[TP]:
        return {READ, STOPPED}

    async def seek_wait(self, partitions: Any) -> None:
        await asyncio.sleep(0)
        self.sought.update(partitions)

    def _new_consumer_thread(self) -> None: ...


@pytest.mark.parametrize("when", ["before", "during", "after"])
async def test_partition_restarted_around_the_seek_of_its_assignment_is_read(
    monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    consumer = SeekingConsumer()

    async def seek_to_committed(_: Any) -> None:
        if when == "during":
            await consumer.restart(STOPPED, 9)

    monkeypatch.setattr(driver.Consumer, "perform_seek", seek_to_committed)
    if when == "before":
        await consumer.restart(STOPPED, 9)
    await consumer.perform_seek()
    if when == "after":
        assert consumer.stopped == {STOPPED}
        await consumer.restart(STOPPED, 9)
    assert consumer.stopped == set()
    assert consumer.sought == {READ: 5, STOPPED: 9}
    assert consumer._read_offset == {READ: 5, STOPPED: 9}
