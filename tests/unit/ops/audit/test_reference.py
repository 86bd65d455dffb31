"""The reference recount against expected numbers and against the counting core."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mostread.core import retention
from mostread.core.counting.batch import MAX_FUTURE_MS, AllowedLateness
from mostread.core.counting.partition import PartitionCounter
from mostread.core.records import LogRecord
from mostread.infra.settings import CountingSettings
from mostread.ops.audit.reference import DEDUP_MS, recount

NOON = 1_790_337_600_000  # 2026-09-25T12:00:00Z
MINUTE, HOUR = 60_000, 3_600_000


def log(*records: tuple[int, str]) -> list[LogRecord]:
    """Return records of (milliseconds after noon, value), with offsets 0, 1, 2, ..."""
    return [LogRecord(n, NOON + at, value.encode()) for n, (at, value) in enumerate(records)]


def view(**fields: object) -> str:
    more = "".join(f',"{name}":{value}' for name, value in fields.items())
    return f'{{"type":"view","article_id":"a"{more}}}'


LIKE = '{"type":"like","article_id":"b","site":"s"}'
UNLIKE = '{"type":"like","article_id":"b","site":"s","delta":-1}'
COMMENT = '{"type":"comment","article_id":"b","site":"s"}'


def test_recount_counts_events_by_minute_hour_week_and_total() -> None:
    result = recount(
        log((0, view()), (61_000, view() + "\n" + LIKE), (HOUR, COMMENT + "\n" + UNLIKE))
    )
    noon, monday = NOON // 1000, 1_789_948_800
    assert result.counters == {
        ("default", "total", 0, "a"): (2, 0, 0),
        ("default", "minute", noon, "a"): (1, 0, 0),
        ("default", "minute", noon + 60, "a"): (1, 0, 0),
        ("default", "hour", noon, "a"): (2, 0, 0),
        ("default", "week", monday, "a"): (2, 0, 0),
        ("s", "total", 0, "b"): (0, 1, 0),
        ("s", "week", monday, "b"): (0, 1, 0),
        ("s", "minute", noon + 60, "b"): (0, 0, 1),
        ("s", "hour", noon, "b"): (0, 0, 1),
        ("s", "minute", noon + 3600, "b"): (0, 1, -1),
        ("s", "hour", noon + 3600, "b"): (0, 1, -1),
    }
    assert result.outcomes == {"received": 5, "counted": 5}
    assert (result.records, result.events) == (3, 5)
    assert (result.first_time, result.record_time) == (NOON, NOON + HOUR)


@pytest.mark.parametrize(
    ("ago", "window"),
    [
        (0, 0),
        (24 * HOUR, -24 * HOUR),
        (24 * HOUR + 1, None),
        (-60_000, 60_000),
        (-60_001, 0),
    ],
)
def test_recount_of_late_and_future_events(ago: int, window: int | None) -> None:
    result = recount(log((0, view(timestamp=NOON - ago))))
    minutes = [key[2] for key in result.counters if key[1] == "minute"]
    assert minutes == ([] if window is None else [(NOON + window) // 1000])
    assert result.counters["default", "total", 0, "a"] == (1, 0, 0)
    assert result.outcomes == {"received": 1, "late" if window is None else "counted": 1}


@pytest.mark.parametrize(
    ("after", "duplicate"),
    [(0, True), (30 * MINUTE, True), (35 * MINUTE - 1, True), (35 * MINUTE, False)],
)
def test_recount_dedup_window_ends_with_a_five_minute_bucket(after: int, duplicate: bool) -> None:
    result = recount(log((0, view(id='"x"')), (after, view(id='"x"'))))
    assert result.counters["default", "total", 0, "a"] == (1 if duplicate else 2, 0, 0)
    assert result.outcomes.get("duplicate", 0) == duplicate


def test_recount_duplicate_extends_the_dedup_window() -> None:
    result = recount(log(*[(n * 30 * MINUTE, view(id='"x"')) for n in range(5)]))
    assert result.outcomes == {"received": 5, "counted": 1, "duplicate": 4}


def test_recount_events_without_id_are_not_duplicates() -> None:
    assert recount(log((0, view() + "\n" + view()))).outcomes == {"received": 2, "counted": 2}


def test_recount_counts_invalid_lines_as_dead_lettered() -> None:
    result = recount(
        [LogRecord(0, NOON, b"{\n\n" + view().encode() + b"\n"), LogRecord(1, NOON, None)]
    )
    assert result.outcomes == {"received": 3, "counted": 1, "dead_lettered": 2}


def test_recount_stops_at_the_limit_except_for_counters_with_their_own() -> None:
    records = log(*[(0, view(id=f'"{n}"') + "\n" + LIKE) for n in range(6)])
    total = ("default", "total", 0, "a")
    result = recount(records, limit=2, limits={total: 4})
    assert result.counters[total] == (5, 0, 0)
    assert result.counters["default", "hour", NOON // 1000, "a"] == (3, 0, 0)
    assert result.counters["s", "total", 0, "b"] == (0, 0, 3)
    assert result.outcomes == {"received": 6, "counted": 6}


def test_reference_constants_equal_those_of_counting() -> None:
    assert DEDUP_MS == retention.DEDUP_REREAD_MS
    assert CountingSettings().allowed_lateness_ms == AllowedLateness().late_ms
    assert CountingSettings().max_clock_skew_ms == AllowedLateness().future_ms
    CountingSettings(aggregator_max_clock_skew_seconds=MAX_FUTURE_MS // 1000)
    with pytest.raises(ValueError, match="less than or equal to 3600"):
        CountingSettings(aggregator_max_clock_skew_seconds=MAX_FUTURE_MS // 1000 + 1)


FIELDS = {
    "type": ['"view"', '"like"', '"comment"', '"share"', "1", '"vi\\u0065w"'],
    "article_id": [
        '"a"',
        '""',
        '"статья"',
        '"\\u0007"',
        '"\\ud800"',
        '"\\"\\\\"',
        "7",
        '"\x01"',
        '"' + "я" * 129 + '"',
    ],
    "id": ['"x"', '"y"', '""', "null", '"\\u000a"', '"~' + "i" * 64 + '"', '"~' + "i" * 65 + '"'],
    "site": ['"s"', '""', '"\\u001f"', "null"],
    "timestamp": [
        str(NOON),
        str(NOON - 25 * HOUR),
        "-1",
        "1e999",
        "1.5",
        "1.0",
        '"1"',
        "null",
        "true",
        str(1 << 70),
    ],
    "delta": ["1", "-1", "0", "2", "1.0", "true", "null"],
    "extra": ["{}", "[[]]", "NaN"],
}


@st.composite
def corrupt_lines(draw: st.DrawFn) -> bytes:
    """Generate lines that are almost events: truncated, concatenated or corrupted JSON."""
    names = draw(st.permutations(["type", "article_id"])) + draw(
        st.lists(st.sampled_from(list(FIELDS)), max_size=4)
    )
    # Prefer each field's first value, which is valid, so that most lines have at most one error.
    parts = [
        f'"{name}":{draw(st.sampled_from(FIELDS[name][:1] * len(FIELDS[name]) + FIELDS[name]))}'
        for name in names
    ]
    line = ("{" + ",".join(parts) + "}").encode()
    match draw(st.integers(0, 12)):
        case 0:
            return line[: draw(st.integers(0, len(line)))]
        case 1:
            return line + draw(st.sampled_from([b"\r", b" ", b",", b"\x00", b"}", line]))
        case 2:
            return draw(st.sampled_from([b"\xff", b"\xef\xbb\xbf", b" ", b"[", b"\n"])) + line
        case 3:
            return draw(
                st.sampled_from([b"", b" ", b"\n", b"null", b"[]", b"{}", b'"a"', b"[" * 5000])
            )
        case 4:
            at = draw(st.integers(0, len(line)))
            return line[:at] + draw(st.binary(max_size=2)) + line[at:]
    return line


@st.composite
def corrupt_logs(draw: st.DrawFn) -> Sequence[LogRecord]:
    records, now = [], NOON
    for offset in range(draw(st.integers(1, 12))):
        now += draw(st.sampled_from([0, 0, 1, 30 * MINUTE, 35 * MINUTE, -MINUTE]))
        value = b"\n".join(draw(st.lists(corrupt_lines(), max_size=4)))
        records.append(LogRecord(offset, now, draw(st.sampled_from([value, value, value, None]))))
    return records


@given(corrupt_logs(), st.booleans())
def test_recount_equals_counting_for_corrupt_logs(
    records: Sequence[LogRecord], at_once: bool
) -> None:
    count = PartitionCounter(None, lateness=AllowedLateness(), counter_capacity=1000)
    for part in [records] if at_once else [[record] for record in records]:
        count.count(part)
    batch = count.close()
    assert batch is not None
    counters = {tuple(key): counter[:3] for key, counter in batch.apply({}).counters}
    result = recount(records)
    assert result.counters == counters
    outcomes = vars(batch.outcomes)
    assert result.outcomes == {name: number for name, number in outcomes.items() if number}


FORGET = '{"type":"forget","site":"s","article_id":"b"}'


def test_recount_begins_at_nothing_behind_a_forget() -> None:
    result = recount(log((0, LIKE + "\n" + view()), (1, FORGET), (2, COMMENT)))
    assert result.counters["s", "total", 0, "b"] == (0, 1, 0)
    assert result.counters["default", "total", 0, "a"] == (1, 0, 0)
    assert result.outcomes == {"received": 3, "counted": 3}
    assert (result.records, result.events, result.record_time) == (3, 3, NOON + 2)


def test_recount_without_event_behind_a_forget_has_no_counter() -> None:
    assert recount(log((0, LIKE), (1, FORGET))).counters == {}
    assert recount(log((0, LIKE), (1, '{"type":"forget","site":"s"}'))).counters == {}


def test_recount_applies_a_forget_behind_the_limit_to_rows_written_after_it() -> None:
    total, hour = ("s", "total", 0, "b"), ("s", "hour", NOON // 1000, "b")
    records = log((0, LIKE), (1, FORGET), (2, view()))
    counters = recount(records, limit=0, limits={total: 1}).counters
    assert total not in counters
    assert counters[hour] == (0, 0, 1)


def test_forget_among_lines_is_a_dead_letter_in_a_recount() -> None:
    result = recount(log((0, LIKE + "\n" + FORGET)))
    assert result.outcomes == {"received": 2, "counted": 1, "dead_lettered": 1}
