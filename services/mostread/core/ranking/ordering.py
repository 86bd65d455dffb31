"""Assign ranks: pinned articles at their fixed ranks, others in list order."""

from collections.abc import Iterable, Iterator
from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")


class Placed(NamedTuple, Generic[T]):
    """An article and its rank, counted from 1."""

    rank: int
    pinned: bool
    article: T


def place(pinned: Iterable[tuple[int, T]], others: Iterable[T]) -> Iterator[Placed[T]]:
    """Yield the list from its top: pinned articles at their ranks, the others between them.

    `pinned` are (rank, article) ordered by rank, `others` in list order. If two articles are
    pinned to the same rank, the second takes the next one. In a list shorter than a pinned
    rank, the pinned article comes last.
    """
    pins, rest = iter(pinned), iter(others)
    pin = next(pins, None)
    rank = 0
    for article in rest:
        rank += 1
        while pin is not None and pin[0] <= rank:
            yield Placed(rank, True, pin[1])
            pin = next(pins, None)
            rank += 1
        yield Placed(rank, False, article)
    while pin is not None:
        rank += 1
        yield Placed(rank, True, pin[1])
        pin = next(pins, None)


def place_some(
    pinned: Iterable[tuple[int, T]], others: Iterable[tuple[int, T]], count: int
) -> Iterator[Placed[T]]:
    """Yield the same ranks as `place` if only some of the `count` others are known.

    Each of `others` comes with its number among all of them, counted from 1.
    """
    pins = iter(pinned)
    pin = next(pins, None)
    above = last = 0
    for number, article in others:
        while pin is not None and pin[0] <= number + above:
            last = max(pin[0], last + 1)
            yield Placed(last, True, pin[1])
            above += 1
            pin = next(pins, None)
        yield Placed(number + above, False, article)
    while pin is not None:
        above += 1
        last = min(max(pin[0], last + 1), count + above)
        yield Placed(last, True, pin[1])
        pin = next(pins, None)
