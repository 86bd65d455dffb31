"""The counting rules once more, as plainly as they can be written: what the tests believe."""

import json
from collections import Counter as Tally
from collections.abc import Sequence
from typing import NamedTuple

DAY = 24 * 3600 * 1000
HALF_HOUR_AND_A_BIT = 6  # generations of five minutes


class LogRecord(NamedTuple):
    offset: int
    timestamp: int
    value: bytes | None


class Recount(NamedTuple):
    counters: dict[tuple[str, str, int, str], tuple[int, int, int]]
    outcomes: dict[str, int]


def recount(log: Sequence[LogRecord]) -> Recount:
    """Count `log` event by event, with dicts and json."""
    numbers: dict[tuple[str, str, int, str], list[int]] = {}
    outcomes: Tally[str] = Tally()
    seen: dict[str, int] = {}
    now = -1
    for record in log:
        now = max(now, record.timestamp)
        generation = now // 300_000
        for line in (record.value or b"").split(b"\n"):
            outcomes["received"] += 1
            try:
                event = json.loads(line)
                kind = ["view", "comment", "like"].index(event["type"])
                delta = event.get("delta", 1)
                assert delta in (1, -1)
                assert kind or delta == 1
                article, site = event["article_id"], event.get("site", "default")
                assert all(c >= " " for c in article)
            except (ValueError, KeyError, TypeError, AssertionError, RecursionError):
                outcomes["dead_lettered"] += 1
                continue
            key = event.get("id")
            if key is not None:
                before = seen.get(key)
                seen[key] = generation
                if before is not None and generation - before <= HALF_HOUR_AND_A_BIT:
                    outcomes["duplicate"] += 1
                    continue
            moment = event.get("timestamp", record.timestamp)
            if moment > record.timestamp + 60_000:
                moment = record.timestamp
            late = moment < record.timestamp - DAY
            outcomes["late" if late else "counted"] += 1
            second = moment // 1000
            windows = [("total", 0)]
            if not late:
                windows += [("minute", second - second % 60), ("hour", second - second % 3600)]
            for grain, window in windows:
                numbers.setdefault((site, grain, window, article), [0, 0, 0])[kind] += delta
    return Recount({key: (v, c, n) for key, (v, c, n) in numbers.items()}, dict(outcomes))
