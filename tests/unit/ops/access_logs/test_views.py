"""Which lines are views, and what they become."""

import random
import re
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from mostread.infra.schemas import migrations
from mostread.ops.access_logs.article_matcher import finder
from mostread.ops.access_logs.files import Place
from mostread.ops.access_logs.filters import Admitted, Outcome, Wanted
from mostread.ops.access_logs.views import KEPT_SECONDS, Counted, Views
from tests.support.access_logs import BOT, BROWSER, line, traffic

START = datetime(2026, 10, 10, 13, 0, tzinfo=UTC)
MINUTE = int(START.timestamp()) // 60
NEWS = finder(re.compile(r"^/news/([^/?]+)"))


def admitted(lines: list[str], **wanted: object) -> Admitted:
    found = Admitted(Wanted(NEWS, **{"now": MINUTE + 1_000_000, **wanted}))  # type: ignore[arg-type]
    for number, each in enumerate(lines, 1):
        found.take(Place("log", number), each.rstrip("\n"))
    return found


def by_minute(counted: Counted) -> dict[tuple[str, int], int]:
    columns = (counted.articles.tolist(), counted.minutes.tolist(), counted.views.tolist())
    return {(counted.names[a], minute): views for a, minute, views in zip(*columns, strict=True)}


@pytest.mark.parametrize(
    ("written", "outcome"),
    [
        (line(START), Outcome.VIEW),
        (line(START, status=304), Outcome.VIEW),
        (line(START, agent=None), Outcome.VIEW),
        (line(START, method="HEAD"), Outcome.NO_GET),
        (line(START, method="POST"), Outcome.NO_GET),
        (line(START, status=301), Outcome.NOT_READ),
        (line(START, "/style.css"), Outcome.NO_ARTICLE),
        (line(START, "/news/"), Outcome.NO_ARTICLE),
        (line(START, agent=BOT), Outcome.BOT),
        (line(START, agent="-"), Outcome.BOT),
        (line(START, agent="python-requests/2.32"), Outcome.BOT),
        (line(START, rest=' "prefetch;prerender"'), Outcome.PREFETCH),
        (line(START, rest=' "Purpose: prefetch"'), Outcome.PREFETCH),
        (line(START, rest=' "https://example.com/prefetch"'), Outcome.VIEW),
        (line(START, host="a.example:443"), Outcome.VIEW),
        (line(START, host="b.example"), Outcome.OTHER_HOST),
        (line(START - timedelta(minutes=1)), Outcome.OUTSIDE),
        (line(START + timedelta(minutes=10)), Outcome.OUTSIDE),
        (line(START + timedelta(minutes=9)), Outcome.VIEW),
        (line(START, "/news/%FF"), Outcome.MALFORMED),
        (line(START, "/news/%0A"), Outcome.MALFORMED),
        (line(START, "/news/" + "x" * 129), Outcome.MALFORMED),
        (line(START, "/news/" + "%D0%B0" * 128), Outcome.VIEW),
        ("nonsense", Outcome.MALFORMED),
    ],
)
def test_what_becomes_of_a_line(written: str, outcome: Outcome) -> None:
    host = "a.example" if "example" in written.split(" ", maxsplit=1)[0] else None
    found = admitted([written], since=MINUTE, until=MINUTE + 10, host=host)
    assert {what: n for what, n in found.outcomes.items() if n} == {outcome: 1}
    assert len(found.malformed) == (outcome is Outcome.MALFORMED)


def test_the_future_is_a_mistake_and_an_empty_line_is_none() -> None:
    found = admitted([line(START), "\n", line(START + timedelta(minutes=2))], now=MINUTE + 1)
    assert found.malformed == ["log:3: its time lies in the future"]
    assert sum(found.outcomes.values()) == 2


def test_a_reader_counts_once_for_an_article_and_half_an_hour() -> None:
    def minutes(*lines: str) -> list[int]:
        counted = admitted(list(lines)).views.counted()
        return [minute - MINUTE for (_, minute), n in by_minute(counted).items() for _ in range(n)]

    again = START + timedelta(minutes=29)
    assert minutes(line(START), line(again), line(START)) == [0]
    assert minutes(line(again), line(START)) == [0], "the first in time, not in the file"
    assert minutes(line(again), line(again + timedelta(minutes=1))) == [29, 30]
    assert minutes(line(START), line(again, "/news/b")) == [0, 29]
    assert minutes(line(START), line(again, address="203.0.113.8")) == [0, 29]
    assert minutes(line(START), line(again, agent=BROWSER + " Edg/1")) == [0, 29]


def test_what_is_counted_is_what_a_plain_count_says_in_any_order() -> None:
    found = traffic(5000, START, timedelta(hours=5))
    counted = admitted(found.lines).views.counted()
    assert by_minute(counted) == found.by_minute()
    assert counted.total == found.by_article().total() < len(found.lines) / 2
    ranked = sorted(found.by_article().items(), key=lambda each: (-each[1], each[0]))
    assert counted.first(10) == ranked[:10]
    mixed = random.Random(2).sample(found.lines, len(found.lines)) + found.lines[:1000]
    other = admitted(mixed).views.counted()
    assert other.digest("default") == counted.digest("default") != counted.digest("other")
    assert admitted(found.lines[:-200]).views.counted().digest("default") != counted.digest(
        "default"
    )


def test_rows_add_up_and_what_is_too_old_for_a_grain_is_left_out() -> None:
    views = Views()
    for days in range(500):
        for reader in range(2):
            views.add(f"article-{days % 7}", MINUTE - days * 1440, reader)
    counted = views.counted()
    now = MINUTE * 60 + 30
    rows: dict[str, list[tuple[int, int]]] = {}
    for block in counted.blocks("s", now):
        assert len({len(values) for values in block.values()}) == 1
        (grain,) = set(block["grain"])
        windows = zip(block["window"], block["views"], strict=True)
        rows.setdefault(str(grain), []).extend(windows)  # type: ignore[arg-type]
    assert sum(n for _, n in rows["total"]) == counted.total == 1000
    for grain, days in (("minute", 35), ("hour", 400)):
        assert sorted(rows[grain]) == [(MINUTE * 60 - n * 86_400, 2) for n in range(days)][::-1]
        # In the order of time, so that a block touches few of ClickHouse's partitions.
        assert all(one <= other for one, other in pairwise(rows[grain]))


def test_rows_are_kept_for_as_long_as_clickhouse_keeps_them() -> None:
    (sql,) = (path.read_text() for path in migrations() if path.name.startswith("0001"))
    kept = re.findall(r"window \+ INTERVAL (\d+) DAY DELETE WHERE grain = '(\w+)'", sql)
    assert {grain: int(days) * 86_400 for days, grain in kept} == KEPT_SECONDS


def test_no_view_at_all_is_nothing() -> None:
    counted = Views().counted()
    assert (counted.total, counted.names, counted.first(10)) == (0, [], [])
