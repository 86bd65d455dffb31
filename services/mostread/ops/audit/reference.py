"""The counting rules once more, as plainly as they can be written: event by event, in dicts.

docs/explanation/architecture.md describes them. Nothing here is fast or
clever, so that it can be believed by reading it.
"""

from collections import Counter as Tally
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from mostread.core.events import Event
from mostread.core.records import Record, each_line

Key = tuple[str, str, int, str]
"""Site, grain, start of the window in epoch seconds (0 for total), article."""
Numbers = tuple[int, int, int]
"""Views, comments, likes."""

FIVE_MINUTES_MS = 5 * 60 * 1000
MEMORY_MS = 7 * FIVE_MINUTES_MS
"""An id is known for 30 minutes of record time, and until that five minutes' end."""

_NUMBER = {"view": 0, "comment": 1, "like": 2}


@dataclass
class Recount:
    """What a partition's log says. `outcomes` leaves out what never occurred.

    `first_time` is the timestamp of the first record, `record_time` the highest of a record
    up to the limit; both in milliseconds, -1 where there is no such record.
    """

    counters: dict[Key, Numbers] = field(default_factory=dict)
    outcomes: dict[str, int] = field(default_factory=dict)
    records: int = 0
    events: int = 0
    first_time: int = -1
    record_time: int = -1


def recount(
    log: Iterable[Record],
    *,
    limit: float = float("inf"),
    limits: Mapping[Key, int] | None = None,
    late_ms: int = 24 * 3600 * 1000,
    future_ms: int = 60 * 1000,
) -> Recount:
    """Count the records of one partition, in their order.

    Records up to and with the offset `limit` are counted. A counter of `limits` also counts
    those up to the offset that stands there: it was written before it was said how far all
    is counted.

    Takes about 350 bytes for each counter and 150 for each id of the last 35 minutes.
    """
    limits = limits or {}
    numbers: dict[Key, list[int]] = {}
    outcomes: Tally[str] = Tally()
    last_seen: dict[str, int] = {}
    found = Recount()
    now = -1
    for record in log:
        found.records += 1
        if found.first_time < 0:
            found.first_time = record.timestamp
        if record.timestamp // FIVE_MINUTES_MS > now // FIVE_MINUTES_MS:
            last_seen = _remembered(last_seen, record.timestamp // FIVE_MINUTES_MS)
        now = max(now, record.timestamp)
        within = record.offset <= limit
        if within:
            found.record_time = now
        for event in each_line(record):
            found.events += 1
            if not isinstance(event, Event):
                outcome = "dead_lettered"
            elif _seen_before(event.id, last_seen, now // FIVE_MINUTES_MS):
                outcome = "duplicate"
            else:
                windows = _windows(event.timestamp, record.timestamp, late_ms, future_ms)
                outcome = "late" if len(windows) == 1 else "counted"
                for grain, window in windows:
                    key = (event.site, grain, window, event.article_id)
                    if within or record.offset <= limits.get(key, -1):
                        numbers.setdefault(key, [0, 0, 0])[_NUMBER[event.type]] += event.delta
            if within:
                outcomes["received"] += 1
                outcomes[outcome] += 1
    found.counters = {
        key: (views, comments, likes) for key, (views, comments, likes) in numbers.items()
    }
    found.outcomes = dict(outcomes)
    return found


def _seen_before(event_id: str, last_seen: dict[str, int], generation: int) -> bool:
    """Say whether the id occurred at most six generations ago, and remember it."""
    if not event_id:
        return False
    before = last_seen.get(event_id)
    last_seen[event_id] = generation
    return before is not None and generation - before <= 6


def _remembered(last_seen: dict[str, int], generation: int) -> dict[str, int]:
    """Return the ids without those that no later event can repeat."""
    return {each: seen for each, seen in last_seen.items() if generation - seen <= 6}


def _windows(
    timestamp: int | None, record_time: int, late_ms: int, future_ms: int
) -> list[tuple[str, int]]:
    """Return the grains and windows that an event counts in; of a late one the total alone."""
    if timestamp is None or timestamp > record_time + future_ms:
        timestamp = record_time
    if timestamp < record_time - late_ms:
        return [("total", 0)]
    second = timestamp // 1000
    return [
        ("total", 0),
        ("minute", second - second % 60),
        ("hour", second - second % 3600),
    ]
