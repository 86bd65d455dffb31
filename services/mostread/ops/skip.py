"""`mostread skip`: decides which offsets of a partition to give up, and records them."""

import asyncio
from dataclasses import dataclass

from mostread.aggregator.repository import CounterRepository
from mostread.aggregator.stream.event_topic import EventTopic
from mostread.core.skipped import SkippedRange
from mostread.errors import Misconfigured, UnreadableBatch
from mostread.infra.kafka.topics import Topic

SKIPPED_BY = "operator"


class Readable(Misconfigured):
    """The records can be read, so they may not be skipped."""


@dataclass(frozen=True)
class SkipProposal:
    """A range to skip, with the time (ms) of the record before and after it, if any.

    `following` is what cannot be read right behind it.
    """

    topic: Topic
    skipped: SkippedRange
    time_before: int | None
    time_after: int | None
    following: UnreadableBatch | None

    @property
    def counted(self) -> int:
        """Number of offsets in the range that were counted while they could be read."""
        first, after, counted_until = self.skipped[1:4]
        return max(0, min(after, counted_until) - first)


class Skipper:
    """Proposes and records skipped ranges of one topic.

    Every method raises KafkaUnavailable, ClickHouseUnavailable and Misconfigured.
    """

    def __init__(self, log: EventTopic, repository: CounterRepository) -> None:
        self._log = log
        self._repository = repository

    async def propose(
        self, partition: int, offset: int, last: int | None, reason: str
    ) -> SkipProposal:
        """Return the range from the batch that contains `offset` to the one with `last`.

        Raises Readable.
        """
        topic = await self._log.describe()
        if partition >= topic.partitions:
            raise Misconfigured(
                f"{topic.name} has no partition {partition}; give one of 0 to "
                f"{topic.partitions - 1}"
            )
        begin, end = (await self._log.offset_ranges([partition]))[partition]
        for each in (offset, offset if last is None else last):
            if not begin <= each < end:
                raise Misconfigured(
                    f"{topic.name}/{partition} has no offset {each}; give one from {begin} on, "
                    f"below {end}"
                )
        unreadable = await self._unreadable(topic, partition, offset)
        first = await self._first_offset(unreadable, begin, offset)
        after = await self._next_offset(unreadable, topic, last)
        counted_until = await asyncio.to_thread(self._counted_until, topic, partition)
        following = await self._read(partition, after) if after < end else None
        return SkipProposal(
            topic,
            SkippedRange(
                partition,
                first,
                after,
                counted_until,
                reason or unreadable.reason,
                SKIPPED_BY,
            ),
            await self._time(partition, first - 1) if first > begin else None,
            await self._time(partition, after) if after < end and not following else None,
            following,
        )

    async def record(self, proposal: SkipProposal) -> None:
        """Record the range. Raises Readable if it can be read meanwhile."""
        topic, skipped = proposal.topic, proposal.skipped
        await self._unreadable(topic, skipped.partition, skipped.first_offset)
        counted_until = await asyncio.to_thread(self._counted_until, topic, skipped.partition)
        await asyncio.to_thread(
            self._repository.write_skipped, topic, skipped._replace(counted_until=counted_until)
        )

    async def _first_offset(self, unreadable: UnreadableBatch, begin: int, offset: int) -> int:
        """Return the first offset of the batch that contains `offset`."""
        if unreadable.next_offset is None:
            if offset > begin and await self._read(unreadable.partition, offset - 1):
                raise Misconfigured(
                    f"offset {offset - 1} cannot be read either, and nothing says where the batch "
                    "begins; give the offset that the log line `partition_stopped` names"
                )
            return offset
        # The offsets of the batch are the last ones of those to search.
        before, first = begin - 1, offset
        while first - before > 1:
            middle = (before + first) // 2
            error = await self._read(unreadable.partition, middle)
            if error is not None and error.next_offset == unreadable.next_offset:
                first = middle
            else:
                before = middle
        return first

    async def _next_offset(
        self, unreadable: UnreadableBatch, topic: Topic, last: int | None
    ) -> int:
        """Return the offset after the batch that contains `last`, by default `unreadable`."""
        after = unreadable.next_offset
        if after is None and last is None:
            raise Misconfigured(
                f"the batch at offset {unreadable.offset} does not say where it ends "
                f"({unreadable.reason}); give the last offset to lose, --to LAST"
            )
        if last is None:
            return after or 0
        if after is None:
            await self._unreadable(topic, unreadable.partition, last)
            return last + 1
        while after <= last:
            following = await self._unreadable(topic, unreadable.partition, after)
            after = following.next_offset or last + 1
        return after

    async def _unreadable(self, topic: Topic, partition: int, offset: int) -> UnreadableBatch:
        error = await self._read(partition, offset)
        if error is None:
            raise Readable(
                f"offset {offset} of {topic.name}/{partition} can be read; only what cannot be "
                "read may be skipped"
            )
        return error

    async def _read(self, partition: int, offset: int) -> UnreadableBatch | None:
        """Return why the batch at `offset` cannot be read, or None if it can."""
        try:
            async for _ in self._log.read(partition, offset, offset + 1):
                pass
        except UnreadableBatch as error:
            return error
        return None

    async def _time(self, partition: int, offset: int) -> int | None:
        """Return the time of the record at `offset`, or None if there is none to read."""
        time = None
        try:
            async for records in self._log.read(partition, offset, offset + 1):
                time = records[0].timestamp
        except UnreadableBatch:
            pass
        return time

    def _counted_until(self, topic: Topic, partition: int) -> int:
        rows = self._repository.checkpoints(self._repository.current_epoch(topic))
        return rows[partition].checkpoint.next_offset if partition in rows else 0
