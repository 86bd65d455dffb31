"""Access log filters, deduplication of views, and rows of counters."""

import random
import re
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from mostread.infra.schemas import migrations
from mostread.ops.access_logs.article_matcher import article_matcher
from mostread.ops.access_logs.filters import LineFilter, LineOutcome, RequestSelection
from mostread.ops.access_logs.views import ROW_TTL_SECONDS, ViewCounts, ViewLog
from tests.support.access_logs import BOT, BROWSER, line, traffic
from tests.support.log_formats import detected

START = datetime(2026, 10, 10, 13, 0, tzinfo=UTC)
MINUTE = int(START.timestamp()) // 60
NEWS = article_matcher(re.compile(r"^/news/([^/?]+)"))


def filtered(lines: list[str], **selection: object) -> LineFilter:
    options = {"now": MINUTE + 1_000_000, **selection}
    line_filter = LineFilter(RequestSelection(NEWS, **options))  # type: ignore[arg-type]
    log_format = detected([text.rstrip("\n") for text in lines[:1000]])
    for number, text in enumerate(lines, 1):
        line_filter.add("log", number, text.rstrip("\n"), log_format)
    return line_filter


def by_minute(counts: ViewCounts) -> dict[tuple[str, int], int]:
    columns = (counts.articles.tolist(), counts.minutes.tolist(), counts.views.tolist())
    return {(counts.names[a], minute): views for a, minute, views in zip(*columns, strict=True)}


@pytest.mark.parametrize(
    ("written", "outcome"),
    [
        (line(START), LineOutcome.VIEW),
        (line(START, status=304), LineOutcome.VIEW),
        (line(START, agent=None), LineOutcome.VIEW),
        (line(START, method="HEAD"), LineOutcome.NOT_GET),
        (line(START, method="POST"), LineOutcome.NOT_GET),
        (line(START, status=301), LineOutcome.OTHER_STATUS),
        (line(START, "/style.css"), LineOutcome.NO_ARTICLE),
        (line(START, "/news/"), LineOutcome.NO_ARTICLE),
        (line(START, agent=BOT), LineOutcome.BOT),
        (line(START, agent="UptimeRobot/2.0"), LineOutcome.BOT),
        (line(START, agent="-"), LineOutcome.BOT),
        # Readers to the collector, and so here: HTTP libraries and mail proxies.
        (line(START, agent="python-requests/2.32"), LineOutcome.VIEW),
        (line(START, agent="okhttp/4.12"), LineOutcome.VIEW),
        (line(START, agent="curl/8"), LineOutcome.VIEW),
        (line(START, agent="Mozilla/5.0 (via ggpht.com GoogleImageProxy)"), LineOutcome.VIEW),
        (line(START, agent="x" * 256 + BOT), LineOutcome.VIEW),
        (line(START, rest=' "prefetch;prerender"'), LineOutcome.PREFETCH),
        (line(START, rest=" prefetch"), LineOutcome.PREFETCH),
        (line(START, rest=' "Purpose: prefetch"'), LineOutcome.PREFETCH),
        (line(START, rest=' "https://example.com/prefetch"'), LineOutcome.VIEW),
        (line(START, host="a.example:443"), LineOutcome.VIEW),
        (line(START, host="A.example"), LineOutcome.VIEW),
        (line(START, host="b.example"), LineOutcome.OTHER_HOST),
        (line(START - timedelta(minutes=1)), LineOutcome.OUT_OF_RANGE),
        (line(START + timedelta(minutes=10)), LineOutcome.OUT_OF_RANGE),
        (line(START + timedelta(minutes=9)), LineOutcome.VIEW),
        # Not UTF-8: the id is the address as it is, and more than 128 characters are cut.
        (line(START, "/news/%FF"), LineOutcome.VIEW),
        (line(START, "/news/" + "x" * 129), LineOutcome.VIEW),
        (line(START, "/news/%0A"), LineOutcome.MALFORMED),
        (line(START, "/news/" + "%D0%B0" * 128), LineOutcome.VIEW),
        ("nonsense", LineOutcome.MALFORMED),
    ],
)
def test_line_filter_outcome_by_line(written: str, outcome: LineOutcome) -> None:
    host = "a.example" if "example" in written.split(" ", maxsplit=1)[0] else None
    line_filter = filtered([written], since=MINUTE, until=MINUTE + 10, host=host)
    assert {name: n for name, n in line_filter.outcomes.items() if n} == {outcome: 1}
    assert len(line_filter.malformed) == (outcome is LineOutcome.MALFORMED)


def test_line_filter_rejects_future_times_and_ignores_empty_lines() -> None:
    lines = [line(START), "\n", line(START + timedelta(minutes=2))]
    line_filter = filtered(lines, now=MINUTE + 1)
    assert line_filter.malformed == ["log:3: the time lies in the future"]
    assert sum(line_filter.outcomes.values()) == 2


def test_views_count_once_per_reader_article_and_half_hour() -> None:
    def minutes(*lines: str) -> list[int]:
        counts = filtered(list(lines)).views.count()
        return [minute - MINUTE for (_, minute), n in by_minute(counts).items() for _ in range(n)]

    again = START + timedelta(minutes=29)
    assert minutes(line(START), line(again), line(START)) == [0]
    assert minutes(line(again), line(START)) == [0], "the earliest, not the first in the file"
    assert minutes(line(again), line(again + timedelta(minutes=1))) == [29, 30]
    assert minutes(line(START), line(again, "/news/b")) == [0, 29]
    assert minutes(line(START), line(again, address="203.0.113.8")) == [0, 29]
    assert minutes(line(START), line(again, agent=BROWSER + " Edg/1")) == [0, 29]


def test_view_counts_equal_a_naive_count_in_any_order() -> None:
    log = traffic(5000, START, timedelta(hours=5))
    counts = filtered(log.lines).views.count()
    assert by_minute(counts) == log.by_minute()
    assert counts.total == log.by_article().total() < len(log.lines) / 2
    ranked = sorted(log.by_article().items(), key=lambda pair: (-pair[1], pair[0]))
    assert counts.top(10) == ranked[:10]
    shuffled = random.Random(2).sample(log.lines, len(log.lines)) + log.lines[:1000]
    other = filtered(shuffled).views.count()
    assert other.digest("default") == counts.digest("default") != counts.digest("other")
    shorter = filtered(log.lines[:-200]).views.count()
    assert shorter.digest("default") != counts.digest("default")


def test_blocks_add_up_and_omit_rows_past_their_ttl() -> None:
    views = ViewLog()
    for days in range(500):
        for reader in range(2):
            views.add(f"article-{days % 7}", MINUTE - days * 1440, reader)
    counts = views.count()
    now = MINUTE * 60 + 30
    rows: dict[str, list[tuple[int, int]]] = {}
    for block in counts.blocks("s", now):
        assert len({len(values) for values in block.values()}) == 1
        (grain,) = set(block["grain"])
        windows = zip(block["window"], block["views"], strict=True)
        rows.setdefault(str(grain), []).extend(windows)  # type: ignore[arg-type]
    assert sum(n for _, n in rows["total"]) == counts.total == 1000
    for grain, days in (("minute", 35), ("hour", 400)):
        assert sorted(rows[grain]) == [(MINUTE * 60 - n * 86_400, 2) for n in range(days)][::-1]
        # Ordered by time, so that a block touches few of ClickHouse's partitions.
        assert all(earlier <= later for earlier, later in pairwise(rows[grain]))


def test_row_ttl_equals_ttl_of_the_migration() -> None:
    (sql,) = (path.read_text() for path in migrations() if path.name.startswith("0001"))
    ttls = re.findall(r"window \+ INTERVAL (\d+) DAY DELETE WHERE grain = '(\w+)'", sql)
    assert {grain: int(days) * 86_400 for days, grain in ttls} == ROW_TTL_SECONDS


def test_empty_view_log_counts_nothing() -> None:
    counts = ViewLog().count()
    assert (counts.total, counts.names, counts.top(10)) == (0, [], [])
