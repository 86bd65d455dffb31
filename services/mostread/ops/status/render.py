"""What was seen, as lines of a terminal."""

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby

from mostread.ops.status.collect import Away, Collector, Counted, Log, Ranked, Seen, Workers, rate
from mostread.ops.terminal import columns, cut

NARROW = 64
WIDE = 100
SHOWN = 4

READY, BEHIND, AWAY = "ready", "behind", "away"
_COLOURS = {READY: "green", BEHIND: "yellow", AWAY: "red"}


@dataclass
class Line:
    """A line of a part: text at its left, and maybe a number at its right end."""

    left: str
    right: str = ""


@dataclass
class Block:
    """A part: its name, its state in one word, and its lines."""

    name: str
    state: str
    lines: list[Line] = field(default_factory=list)


def blocks(seen: Seen, before: Seen | None) -> Iterator[Block]:
    """Yield the parts in the order an event meets them; rates are those since `before`."""
    ms = seen.at - before.at if before else 0
    for number, collector in enumerate(seen.collectors[:SHOWN]):
        was = before.collectors[number] if before and number < len(before.collectors) else None
        yield _collector(collector, was, ms)
    if more := seen.collectors[SHOWN:]:
        away = sum(isinstance(each, Away) for each in more)
        state = AWAY if away else READY
        yield Block("collector", state, [Line(f"{len(more)} more, {away} of them away")])
    yield _log(seen.log, before.log if before else None, ms)
    yield _workers(seen.workers)
    yield _counted(seen.counted, before.counted if before else None, ms, seen.at)
    yield _ranked(seen.ranked)


def _collector(now: Collector | Away, before: Collector | Away | None, ms: int) -> Block:
    if isinstance(now, Away):
        return Block("collector", AWAY, [Line(now.why)])
    was = before.accepted if isinstance(before, Collector) else None
    lines = [
        Line(f"{_number(now.accepted, 'event')} accepted{_rate(now.accepted, was, ms, 'events')}")
    ]
    if now.failing:
        lines.append(Line(now.failing))
    lines.append(Line(now.address))
    return Block("collector", BEHIND if now.failing else READY, lines)


def _log(now: Log | Away, before: Log | Away | None, ms: int) -> Block:
    if isinstance(now, Away):
        return Block("kafka", AWAY, [Line(now.why)])
    was = before.written if isinstance(before, Log) else None
    return Block(
        "kafka",
        READY,
        [
            Line(f"{_number(now.records, 'record')}{_rate(now.written, was, ms, 'records')}"),
            Line(
                f"{now.topic}, {_number(len(now.extents), 'partition')} "
                f"on {_number(now.brokers, 'broker')}"
            ),
        ],
    )


def _workers(now: Workers | Away) -> Block:
    if isinstance(now, Away):
        return Block("aggregator", AWAY, [Line(now.why)])
    if not now.workers:
        return Block("aggregator", AWAY, [Line(f"nobody counts; {_waiting(now.waiting)}")])
    state = BEHIND if now.orphans or now.sharing_out else READY
    lines = [Line(f"{_number(len(now.workers), 'worker')}, {_waiting(now.waiting)}")]
    if now.sharing_out:
        lines.append(Line("the partitions are being given out just now"))
    lines += [
        Line(f"{each.host} has {_ranges(each.partitions)}", f"{each.waiting:,} to count")
        for each in now.workers[:SHOWN]
    ]
    if more := now.workers[SHOWN:]:
        lines.append(Line(f"and {len(more)} more", f"{sum(w.waiting for w in more):,} to count"))
    if now.orphans:
        lines.append(Line(f"nobody has {_ranges(now.orphans)}"))
    return Block("aggregator", state, lines)


def _counted(now: Counted | Away, before: Counted | Away | None, ms: int, at: int) -> Block:
    if isinstance(now, Away):
        return Block("clickhouse", AWAY, [Line(now.why)])
    was = before.received if isinstance(before, Counted) else None
    late = at - now.as_of
    left_over = ", ".join(
        f"{number:,} {word}"
        for number, word in (
            (now.duplicate, "duplicate"),
            (now.late, "late"),
            (now.dead_lettered, "dead-lettered"),
        )
        if number
    )
    return Block(
        "clickhouse",
        BEHIND if now.behind else READY,
        [
            Line(f"counted until {_time(now.as_of)}, {max(0, late) / 1000:,.0f} s ago"),
            Line(
                f"{_number(now.received, 'event')}{_rate(now.received, was, ms, 'events')}"
                + (f", of them {left_over}" if left_over else "")
            ),
            Line(f"{_number(now.rows, 'row')} of counters"),
        ],
    )


def _ranked(now: Ranked | Away) -> Block:
    if isinstance(now, Away):
        return Block("list", AWAY, [Line(now.why)])
    as_of = f"as of {now.as_of[11:19]} UTC" if now.as_of else "nothing counted yet"
    which = f"{now.site}, {now.window}: {as_of}{', stale' if now.stale else ''}"
    rows = [Line(f"{each.rank}  {each.title}", _number(each.views, "view")) for each in now.top]
    empty = [] if rows else [Line("nothing was read yet")]
    return Block(
        "list",
        BEHIND if now.stale else READY,
        [Line(which), *rows, *empty, Line(now.address)],
    )


def lines(parts: Sequence[Block], width: int) -> Iterator[tuple[str, str, str, str]]:
    """Yield lines no wider than `width`: what comes before a state, the state or blanks, the
    colour of the state, and what follows.
    """
    name_columns, state_columns = (0, 0) if width < NARROW else (12, 8)
    room = max(20, min(width, WIDE) - (name_columns + state_columns if name_columns else 2))
    for number, block in enumerate(parts):
        if number:
            yield ("", "", "", "")
        told = [text for line in block.lines for text in _told(line, room)]
        if not name_columns:
            yield f"{block.name} ", block.state, _COLOURS[block.state], ""
        for index, text in enumerate(told):
            if not name_columns:
                yield "  ", "", "", text
            elif index == 0:
                state = f"{block.state:<{state_columns}}"
                yield f"{block.name:<{name_columns}}", state, _COLOURS[block.state], text
            else:
                yield " " * (name_columns + state_columns), "", "", text


def _told(line: Line, room: int) -> Iterator[str]:
    if line.right:
        left = cut(line.left, room - len(line.right) - 2)
        yield left + " " * (room - columns(left) - len(line.right)) + line.right
    else:
        shown = "".join(c if c.isprintable() else "�" for c in line.left)
        yield from textwrap.wrap(shown, room, break_on_hyphens=False) or [""]


def _rate(now: int, before: int | None, ms: int, what: str) -> str:
    found = None if before is None else rate(now, before, ms)
    return "" if found is None else f", {found:,.0f} {what}/s"


def _waiting(number: int) -> str:
    return f"{_number(number, 'record')} to count"


def _number(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _ranges(numbers: Sequence[int]) -> str:
    """Return numbers as people write them: 0-3, 5."""
    if not numbers:
        return "no partition"
    found = []
    for _, run in groupby(enumerate(sorted(numbers)), key=lambda pair: pair[1] - pair[0]):
        first, *rest = [number for _, number in run]
        found.append(f"{first}-{rest[-1]}" if rest else str(first))
    return f"partition{'' if len(numbers) == 1 else 's'} {', '.join(found)}"


def _time(ms: int) -> str:
    return f"{datetime.fromtimestamp(ms / 1000, UTC):%H:%M:%S} UTC"
