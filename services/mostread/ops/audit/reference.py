"""Reference implementation of the counting rules: event by event, in dicts.

docs/explanation/architecture.md describes the rules. This code favours being obviously correct
over being fast.
"""

from collections import Counter as Tally
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from mostread.core.control import Forget
from mostread.core.events import Event
from mostread.core.exclusions import Exclusion
from mostread.core.records import Record, each_line

Key = tuple[str, str, int, str]
"""Site, grain, start of the window in epoch seconds (0 for total), article."""
Numbers = tuple[int, int, int]
"""Views, comments, likes."""
Identity = tuple[str, str, str, int, str]
"""Site, article, type, delta, id: an event with all of them equal is the same event."""

FIVE_MINUTES_MS = 5 * 60 * 1000
DEDUP_MS = 7 * FIVE_MINUTES_MS
"""An event is a duplicate for 30 minutes of record time, and to the end of those five minutes."""

_FIRST_TIME, _LAST_TIME = 0, 4_102_444_799_999
"""1970-01-01T00:00:00.000Z and 2099-12-31T23:59:59.999Z, in milliseconds."""

_INDEX = {"view": 0, "comment": 1, "like": 2}


@dataclass
class Recount:
    """Counts of a partition's log. `outcomes` omits outcomes that did not occur.

    `first_time` is the timestamp of the first record, `record_time` the maximum up to the limit;
    both in milliseconds, -1 without such a record.
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
    allowed_lateness_ms: int = 24 * 3600 * 1000,
    max_clock_skew_ms: int = 60 * 1000,
    exclusions: Sequence[Exclusion] = (),
) -> Recount:
    """Count the records of one partition in order of offset.

    Records up to the offset `limit`, inclusive, are counted. A counter in `limits` also counts
    records up to its offset there: its row was written before the checkpoint.

    A forget removes the counters of its site or article that are up to it. It is not an event, and
    a later copy of an event from before it is still a duplicate.

    Events of `exclusions` do not count, but later copies of them are duplicates.

    A record time before 1970 or after 2099 counts as the nearest time in between.

    Takes about 350 bytes per counter and 350 per event of the last 35 minutes.
    """
    limits = limits or {}
    numbers: dict[Key, list[int]] = {}
    outcomes: Tally[str] = Tally()
    last_seen: dict[Identity, int] = {}
    result = Recount()
    now = -1
    for record in log:
        time = min(max(record.timestamp, _FIRST_TIME), _LAST_TIME)
        result.records += 1
        if result.first_time < 0:
            result.first_time = time
        if time // FIVE_MINUTES_MS > now // FIVE_MINUTES_MS:
            last_seen = _without_expired(last_seen, time // FIVE_MINUTES_MS)
        now = max(now, time)
        within_limit = record.offset <= limit
        result.record_time = now if within_limit else result.record_time
        for event in each_line(record):
            if isinstance(event, Forget):
                _forget(numbers, event, limit, limits)
                continue
            result.events += 1
            if not isinstance(event, Event):
                outcome = "dead_lettered"
            elif _is_duplicate(event, last_seen, now // FIVE_MINUTES_MS):
                outcome = "duplicate"
            elif any(_covers(each, event, time, max_clock_skew_ms) for each in exclusions):
                outcome = "excluded"
            else:
                windows = _windows(event.timestamp, time, allowed_lateness_ms, max_clock_skew_ms)
                outcome = "late" if len(windows) == 1 else "counted"
                for grain, window in windows:
                    key = (event.site, grain, window, event.article_id)
                    if within_limit or record.offset <= limits.get(key, -1):
                        numbers.setdefault(key, [0, 0, 0])[_INDEX[event.type]] += event.delta
            if within_limit:
                outcomes["received"] += 1
                outcomes[outcome] += 1
    result.counters = {
        key: (views, comments, likes) for key, (views, comments, likes) in numbers.items()
    }
    result.outcomes = dict(outcomes)
    return result


def _forget(
    numbers: dict[Key, list[int]], forget: Forget, limit: float, limits: Mapping[Key, int]
) -> None:
    """Remove the counters that a forget names and that are up to it."""
    for key in [key for key in numbers if forget.names(key[0], key[3])]:
        if forget.offset <= max(limit, limits.get(key, -1)):
            del numbers[key]


def _is_duplicate(event: Event, last_seen: dict[Identity, int], bucket: int) -> bool:
    """Return whether the event occurred at most six buckets ago, and store it."""
    if not event.id:
        return False
    identity = (event.site, event.article_id, event.type, event.delta, event.id)
    before = last_seen.get(identity)
    last_seen[identity] = bucket
    return before is not None and bucket - before <= 6


def _covers(exclusion: Exclusion, event: Event, record_time: int, max_clock_skew_ms: int) -> bool:
    """Return whether an exclusion leaves an event out, by its own time unless in the future."""
    time = event.timestamp
    if time is None or time > record_time + max_clock_skew_ms:
        time = record_time
    return (
        exclusion.site == event.site
        and exclusion.start <= time < exclusion.end
        and (not exclusion.article_id or exclusion.article_id == event.article_id)
        and (not exclusion.visitor or exclusion.visitor == event.visitor)
    )


def _without_expired(last_seen: dict[Identity, int], bucket: int) -> dict[Identity, int]:
    """Return the events that a later one can still repeat."""
    return {identity: seen for identity, seen in last_seen.items() if bucket - seen <= 6}


def _windows(
    timestamp: int | None, record_time: int, allowed_lateness_ms: int, max_clock_skew_ms: int
) -> list[tuple[str, int]]:
    """Return the grains and windows of an event; only the total if it is late."""
    if timestamp is None or timestamp > record_time + max_clock_skew_ms:
        timestamp = record_time
    if timestamp < record_time - allowed_lateness_ms:
        return [("total", 0)]
    second = timestamp // 1000
    return [
        ("total", 0),
        ("minute", second - second % 60),
        ("hour", second - second % 3600),
        ("week", _monday(second)),
    ]


def _monday(second: int) -> int:
    """Return the start of the last Monday in UTC, or the epoch, which was a Thursday."""
    days = second // 86_400
    return max(0, days - (days + 3) % 7) * 86_400
