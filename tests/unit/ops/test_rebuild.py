"""Rebuilds whose log loses its beginning meanwhile."""

from collections.abc import AsyncGenerator, Sequence
from typing import Any, cast
from uuid import UUID

import pytest

from mostread.aggregator.config import AggregatorSettings
from mostread.aggregator.repository import CheckpointRow, CounterRow, Epoch
from mostread.core.records import LogRecord, Record
from mostread.errors import KafkaUnavailable
from mostread.infra.kafka.topics import Topic
from mostread.ops.rebuild.recounter import Recounter
from mostread.ops.rebuild.retained_log import RetainedLog

VIEW = b'{"type":"view","article_id":"a"}'
END = 9


class Log:
    """A partition of END offsets with records at `offsets`, of which retention removes some."""

    def __init__(self, offsets: Sequence[int]) -> None:
        self.offsets = offsets
        self.begin = 0

    async def offset_ranges(self, partitions: Sequence[int]) -> dict[int, tuple[int, int]]:
        return dict.fromkeys(partitions, (self.begin, END))

    async def stable_ends(self, partitions: Sequence[int]) -> dict[int, int]:
        return dict.fromkeys(partitions, END)

    async def read(self, _: int, start: int, until: int) -> AsyncGenerator[Sequence[Record], None]:
        for offset in self.offsets:
            if max(start, self.begin) <= offset < until:
                yield [LogRecord(offset, 1_790_000_000_000, VIEW)]


class Tables:
    checkpoints: Sequence[CheckpointRow] = ()

    def counters(self, *_: object) -> list[CounterRow]:
        return []

    def write_counters(self, *_: object) -> None: ...

    def write_checkpoints(self, _: Epoch, rows: Sequence[CheckpointRow]) -> None:
        self.checkpoints = rows


async def recount(log: Log, begin: int) -> CheckpointRow:
    """Recount a log whose records below `begin` are removed once the rebuild has started."""
    tables = Tables()
    epoch = Epoch(Topic("events", UUID(int=1), 1), 1)
    settings = AggregatorSettings()
    retained = RetainedLog(cast("Any", log), 1, {}, batch_bytes=1 << 20)
    recounter = Recounter(
        settings, retained, cast("Any", tables), epoch, {}, forgetters=cast("Any", None)
    )
    await recounter.start()
    log.begin = begin
    await recounter.catch_up(lambda _: None)
    (row,) = tables.checkpoints
    return row


@pytest.mark.parametrize("begin", [4, END])
async def test_rebuild_fails_if_records_are_removed_before_they_are_recounted(begin: int) -> None:
    with pytest.raises(KafkaUnavailable, match="from offset 0 on before they were recounted"):
        await recount(Log(range(END)), begin)


async def test_rebuild_passes_offsets_without_records() -> None:
    row = await recount(Log([2, 3, 6]), begin=0)
    assert row.checkpoint.next_offset == END
    assert row.checkpoint.outcomes.counted == 3
