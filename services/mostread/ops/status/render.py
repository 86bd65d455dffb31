"""Renders a system status as lines of a terminal."""

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby

from mostread.ops.status.parts import (
    CollectorStatus,
    CountingStatus,
    GroupStatus,
    ListStatus,
    SystemStatus,
    TopicStatus,
    UnavailablePart,
    rate,
)
from mostread.ops.terminal import count, cut, text_width

MIN_COLUMN_LAYOUT_WIDTH = 64
MAX_WIDTH = 100
MAX_ITEMS = 4

READY, BEHIND, UNAVAILABLE = "ready", "behind", "unavailable"
_STATE_STYLES = {READY: "green", BEHIND: "yellow", UNAVAILABLE: "red"}
_NAME_COLUMNS = 12
_STATE_COLUMNS = 13


@dataclass
class TextLine:
    """A line with text on the left and optionally a number on the right."""

    left: str
    right: str = ""


@dataclass
class PartBlock:
    """A part with its name, state and lines."""

    name: str
    state: str
    lines: list[TextLine] = field(default_factory=list)


def status_blocks(current: SystemStatus, previous: SystemStatus | None) -> Iterator[PartBlock]:
    """Yield blocks in the order of the pipeline, with rates since `previous`."""
    ms = current.timestamp - previous.timestamp if previous else 0
    before = previous.collectors if previous else ()
    for index, collector in enumerate(current.collectors[:MAX_ITEMS]):
        yield _collector(collector, before[index] if index < len(before) else None, ms)
    if hidden := current.collectors[MAX_ITEMS:]:
        unavailable = sum(isinstance(collector, UnavailablePart) for collector in hidden)
        state = UNAVAILABLE if unavailable else READY
        text = f"{len(hidden)} more, {unavailable} unavailable"
        yield PartBlock("collector", state, [TextLine(text)])
    yield _kafka(current.kafka, previous.kafka if previous else None, ms)
    yield _aggregators(current.aggregators)
    yield _clickhouse(
        current.clickhouse, previous.clickhouse if previous else None, ms, current.timestamp
    )
    yield _ranking(current.ranking)


def _unavailable(name: str, part: UnavailablePart) -> PartBlock:
    return PartBlock(name, UNAVAILABLE, [TextLine(part.reason)])


def _collector(
    current: CollectorStatus | UnavailablePart,
    previous: CollectorStatus | UnavailablePart | None,
    ms: int,
) -> PartBlock:
    if isinstance(current, UnavailablePart):
        return _unavailable("collector", current)
    before = previous.accepted if isinstance(previous, CollectorStatus) else None
    rate_text = _rate(current.accepted, before, ms, "events")
    lines = [TextLine(f"{count(current.accepted, 'event')} accepted{rate_text}")]
    if current.error:
        lines.append(TextLine(current.error))
    lines.append(TextLine(current.url))
    return PartBlock("collector", BEHIND if current.error else READY, lines)


def _kafka(
    current: TopicStatus | UnavailablePart, previous: TopicStatus | UnavailablePart | None, ms: int
) -> PartBlock:
    if isinstance(current, UnavailablePart):
        return _unavailable("kafka", current)
    before = previous.written if isinstance(previous, TopicStatus) else None
    rate_text = _rate(current.written, before, ms, "records")
    return PartBlock(
        "kafka",
        READY,
        [
            TextLine(f"{count(current.retained, 'record')}{rate_text}"),
            TextLine(
                f"{current.topic}, {count(len(current.offsets), 'partition')} "
                f"on {count(current.brokers, 'broker')}"
            ),
        ],
    )


def _aggregators(current: GroupStatus | UnavailablePart) -> PartBlock:
    if isinstance(current, UnavailablePart):
        return _unavailable("aggregator", current)
    if not current.aggregators:
        text = f"no aggregator runs; lag {count(current.lag, 'record')}"
        return PartBlock("aggregator", UNAVAILABLE, [TextLine(text)])
    behind = current.unassigned or current.stopped or current.rebalancing
    state = BEHIND if behind else READY
    number = count(len(current.aggregators), "aggregator")
    lines = [TextLine(f"{number}, lag {count(current.lag, 'record')}")]
    if current.rebalancing:
        lines.append(TextLine("the group is rebalancing"))
    lines += [
        TextLine(f"{member.host}: {_partitions(member.partitions)}", f"lag {member.lag:,}")
        for member in current.aggregators[:MAX_ITEMS]
    ]
    if hidden := current.aggregators[MAX_ITEMS:]:
        lag = sum(member.lag for member in hidden)
        lines.append(TextLine(f"{len(hidden)} more", f"lag {lag:,}"))
    if current.articles_lag:
        lines.append(TextLine("articles and placements", f"lag {current.articles_lag:,}"))
    if current.held_up:
        lines.append(TextLine(f"held up by an open transaction: {_partitions(current.held_up)}"))
    if current.stopped:
        text = f"stopped, see `mostread doctor`: {_partitions(current.stopped)}"
        lines.append(TextLine(text))
    if current.unassigned:
        lines.append(TextLine(f"unassigned: {_partitions(current.unassigned)}"))
    return PartBlock("aggregator", state, lines)


def _clickhouse(
    current: CountingStatus | UnavailablePart,
    previous: CountingStatus | UnavailablePart | None,
    ms: int,
    timestamp: int,
) -> PartBlock:
    if isinstance(current, UnavailablePart):
        return _unavailable("clickhouse", current)
    before = previous.received if isinstance(previous, CountingStatus) else None
    age = max(0, timestamp - current.watermark) / 1000
    outcomes = "".join(
        f", {number:,} {outcome}"
        for number, outcome in (
            (current.duplicate, "duplicate"),
            (current.late, "late"),
            (current.dead_lettered, "dead-lettered"),
            (current.excluded, "excluded"),
        )
        if number
    )
    received = count(current.received, "event")
    lost = f"{count(current.lost, 'record')} lost: removed or skipped before they were counted"
    return PartBlock(
        "clickhouse",
        BEHIND if current.stale else READY,
        [
            TextLine(f"watermark {_time(current.watermark)}, {age:,.0f} s ago"),
            TextLine(f"{received}{_rate(current.received, before, ms, 'events')}{outcomes}"),
            *([TextLine(lost)] if current.lost else []),
            TextLine(f"{count(current.rows, 'row')} of counters"),
        ],
    )


def _ranking(current: ListStatus | UnavailablePart) -> PartBlock:
    if isinstance(current, UnavailablePart):
        return _unavailable("list", current)
    as_of = f"as of {current.as_of[11:19]} UTC" if current.as_of else "nothing counted yet"
    title = f"{current.site}, {current.window}: {as_of}{', stale' if current.stale else ''}"
    rows = [
        TextLine(f"{article.rank}  {article.title}", count(article.views, "view"))
        for article in current.top
    ]
    return PartBlock(
        "list",
        BEHIND if current.stale else READY,
        [
            TextLine(title),
            *(rows or [TextLine("no views yet")]),
            TextLine(current.url),
        ],
    )


def status_lines(blocks: Sequence[PartBlock], width: int) -> Iterator[tuple[str, str, str, str]]:
    """Yield lines of at most `width` columns: prefix, state, colour of the state, text."""
    in_columns = width >= MIN_COLUMN_LAYOUT_WIDTH
    indent = _NAME_COLUMNS + _STATE_COLUMNS if in_columns else 2
    room = max(20, min(width, MAX_WIDTH) - indent)
    for number, block in enumerate(blocks):
        if number:
            yield "", "", "", ""
        texts = [text for line in block.lines for text in _wrap(line, room)]
        colour = _STATE_STYLES[block.state]
        if not in_columns:
            yield f"{block.name} ", block.state, colour, ""
        for index, text in enumerate(texts):
            if in_columns and index == 0:
                state = f"{block.state:<{_STATE_COLUMNS}}"
                yield f"{block.name:<{_NAME_COLUMNS}}", state, colour, text
            else:
                yield " " * indent, "", "", text


def _wrap(line: TextLine, room: int) -> Iterator[str]:
    if line.right:
        left = cut(line.left, room - len(line.right) - 2)
        yield left + " " * (room - text_width(left) - len(line.right)) + line.right
    else:
        printable = "".join(c if c.isprintable() else "�" for c in line.left)
        yield from textwrap.wrap(printable, room, break_on_hyphens=False) or [""]


def _rate(current: int, previous: int | None, ms: int, unit: str) -> str:
    per_second = None if previous is None else rate(current, previous, ms)
    return "" if per_second is None else f", {per_second:,.0f} {unit}/s"


def _partitions(numbers: Sequence[int]) -> str:
    """Return partition numbers as ranges: partitions 0-3, 5."""
    if not numbers:
        return "no partition"
    ranges = []
    for _, run in groupby(enumerate(sorted(numbers)), key=lambda pair: pair[1] - pair[0]):
        first, *rest = [number for _, number in run]
        ranges.append(f"{first}-{rest[-1]}" if rest else str(first))
    return f"partition{'' if len(numbers) == 1 else 's'} {', '.join(ranges)}"


def _time(ms: int) -> str:
    return f"{datetime.fromtimestamp(ms / 1000, UTC):%H:%M:%S} UTC"
