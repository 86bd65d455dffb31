"""Exclusions: events of an attack that counters leave out although the log keeps them.

An exclusion is in effect from a rebuild on, which counts the log without its events, and until
another rebuild after its removal. Additions and removals are entries of a list that only grows;
each has the epoch (the number of rebuilds before the tables) from which on it applies.
"""

from collections.abc import Iterable
from typing import Literal, NamedTuple

PENDING = 2**32 - 1
"""Epoch of an entry that no rebuild has applied yet."""


class Exclusion(NamedTuple):
    """Events to leave out, by the time at which they count: `start` inclusive, `end` exclusive.

    Both are in milliseconds, at full minutes. An event counts at its own timestamp, or at the time
    of its record where it has none or one in the future; a late event has its own timestamp too. An
    empty `article_id` or `visitor` stands for all of the site.
    """

    id: str
    site: str
    article_id: str
    start: int
    end: int
    visitor: str


class ExclusionEntry(NamedTuple):
    """The addition or removal of an exclusion, in effect from the tables of `epoch` on.

    `recorded_at` and `applied_at` are in milliseconds; `applied_at` is None while the entry is
    PENDING. `version` increases with each change of the entry.
    """

    exclusion: Exclusion
    action: Literal["add", "remove"]
    reason: str
    by: str
    recorded_at: int
    epoch: int = PENDING
    applied_at: int | None = None
    version: int = 0


def in_effect(entries: Iterable[ExclusionEntry], epoch: int) -> tuple[Exclusion, ...]:
    """Return the exclusions in the tables of `epoch`, sorted; PENDING for the next ones."""
    added: dict[str, Exclusion] = {}
    removed: set[str] = set()
    for each in entries:
        if each.epoch <= epoch and each.action == "add":
            added[each.exclusion.id] = each.exclusion
        elif each.epoch <= epoch:
            removed.add(each.exclusion.id)
    return tuple(sorted(added[id_] for id_ in added.keys() - removed))
