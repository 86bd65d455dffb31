"""Assignments and messages: the types that the stream passes to its handlers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from mostread.core.records import Record


class SupersededError(Exception):
    """The consumer group has a newer generation; drop the work in progress."""


@dataclass(frozen=True)
class Assignment:
    """Partitions of the events topic assigned to this worker in one group generation."""

    partitions: tuple[int, ...]
    generation: int
    current_generation: Callable[[], int]

    @property
    def is_current(self) -> bool:
        """Whether the group still has the generation of this assignment."""
        return self.current_generation() == self.generation

    def ensure_current(self) -> None:
        """Raise SupersededError if the group has another generation."""
        if not self.is_current:
            raise SupersededError


class KeyedRecord(Record, Protocol):
    """A record with its key."""

    @property
    def key(self) -> bytes | None: ...


class StockRecord(NamedTuple):
    """A record that Faust passed as a message; `timestamp` is in milliseconds."""

    offset: int
    timestamp: int
    value: bytes | None
    key: bytes | None


class Message(NamedTuple):
    """Records of one partition, fetched together and acknowledged together.

    `assignment` is that of the generation in which they were fetched. Call `ack` once the records
    are stored; the stream commits offsets only of acknowledged messages.
    """

    assignment: Assignment
    partition: int
    records: Sequence[KeyedRecord]
    ack: Callable[[], object]
