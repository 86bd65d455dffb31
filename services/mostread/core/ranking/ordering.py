"""Ranks: the order of the numbers, with pinned articles at the places they were given."""

from collections.abc import Iterable, Iterator
from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")


class Placed(NamedTuple, Generic[T]):
    """What stands at a rank, counted from 1."""

    rank: int
    pinned: bool
    article: T


def place(pinned: Iterable[tuple[int, T]], others: Iterable[T]) -> Iterator[Placed[T]]:
    """Yield the list from its top: each pinned article at its rank, the others between them.

    `pinned` are (rank, article) in the order of rank, `others` in the order of the list. Of two
    articles pinned to one rank the second stands one below. In a list too short for a rank,
    the pinned article ends it.
    """
    waiting, rest = iter(pinned), iter(others)
    pin = next(waiting, None)
    rank = 0
    for article in rest:
        rank += 1
        while pin is not None and pin[0] <= rank:
            yield Placed(rank, True, pin[1])
            pin = next(waiting, None)
            rank += 1
        yield Placed(rank, False, article)
    while pin is not None:
        rank += 1
        yield Placed(rank, True, pin[1])
        pin = next(waiting, None)


def place_some(
    pinned: Iterable[tuple[int, T]], others: Iterable[tuple[int, T]], count: int
) -> Iterator[Placed[T]]:
    """Yield what `place` does where only some of the `count` others are there.

    Each of them comes with its number among all of them, from 1.
    """
    waiting = iter(pinned)
    pin = next(waiting, None)
    above = last = 0
    for number, article in others:
        while pin is not None and pin[0] <= number + above:
            last = max(pin[0], last + 1)
            yield Placed(last, True, pin[1])
            above += 1
            pin = next(waiting, None)
        yield Placed(number + above, False, article)
    while pin is not None:
        above += 1
        last = min(max(pin[0], last + 1), count + above)
        yield Placed(last, True, pin[1])
        pin = next(waiting, None)
