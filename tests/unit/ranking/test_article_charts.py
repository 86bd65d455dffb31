"""Charts of the article page, and their periods."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from mostread.core.editorial.placements import Standing
from mostread.core.ranking.windows import stored
from mostread.errors import BadParameter
from mostread.ranking.pages.article_charts import clock_label, ranks_context
from mostread.ranking.pages.chart import (
    Mark,
    Point,
    Tick,
    TimeScale,
    counts_chart,
    nice_scale,
    path,
    place_marks,
    ranks_chart,
    time_ticks,
)
from mostread.ranking.pages.chart_range import choose
from mostread.ranking.pages.i18n import TRANSLATORS
from mostread.ranking.queries import ArticleQuery
from mostread.ranking.repository import Counts
from mostread.ranking.service.article_chart import Bin
from mostread.ranking.service.articles import ArticleDetails
from mostread.ranking.service.typical import Typical
from mostread.ranking.steps import split, step_start
from mostread.ranking.typical_repository import TypicalRow

T = TRANSLATORS["en"]
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
NEW_YORK = ZoneInfo("America/New_York")
ALMATY = ZoneInfo("Asia/Almaty")


def hours(views: Sequence[int], unfinished: int = 0) -> list[Bin]:
    """Return bins from noon on, the last of them `unfinished`."""
    return [
        Bin(NOON + n * HOUR, NOON + (n + 1) * HOUR, Counts(each), n < len(views) - unfinished)
        for n, each in enumerate(views)
    ]


@pytest.mark.parametrize(
    ("largest", "step", "top"),
    [(0, 1, 4), (4, 1, 4), (5, 2, 6), (100, 50, 100), (101, 50, 150), (3_999, 1_000, 4_000)],
)
def test_axis_ends_at_a_round_number_above_the_largest(largest: int, step: int, top: int) -> None:
    assert nice_scale(largest) == (step, top)


def test_path_breaks_without_value_and_shows_a_single_one() -> None:
    assert path([Point(0, 5), Point(1, None), Point(2, 7), Point(3, 8)]) == "M0 5M2 7L3 8"
    assert path([Point(4, 5)]) == "M4 5h0"
    assert path([]) == ""


def test_line_ends_before_bins_that_are_not_over_which_are_bars() -> None:
    chart = counts_chart(hours([8, 4, 1, 0], unfinished=2), None, [], UTC, T)
    assert chart.line == "M125 0L375 500"
    assert chart.unfinished == "M500 1000V875H750V1000z"
    assert chart.area == "M125 0L375 500V1000H125z"
    assert counts_chart(hours([8, 4]), None, [], UTC, T).unfinished == ""
    nothing_over = counts_chart(hours([8, 4], unfinished=2), None, [], UTC, T)
    assert (nothing_over.line, nothing_over.area) == ("", "")
    assert nothing_over.unfinished == "M0 1000V0H500V1000zM500 1000V500H1000V1000z"


def test_typical_article_is_drawn_by_age_on_the_scale_of_a_bin() -> None:
    rows = tuple(TypicalRow(age, 9, 6 * views, 0) for age, views in enumerate((30, 20, 10)))
    typical = Typical("City", NOON - HOUR, HOUR, rows)
    minutes = timedelta(minutes=10)
    bins = [Bin(NOON + n * minutes, NOON + (n + 1) * minutes, Counts(40), True) for n in range(6)]
    chart = counts_chart(bins, typical, [], UTC, T)
    # The second hour of its life is the one in the chart: 120 views, 20 in ten minutes.
    assert chart.typical == "M500 500h0"
    assert [tick.label for tick in chart.y_ticks] == ["0", "10", "20", "30", "40"]


def test_comments_and_likes_have_bars_of_their_own_scale() -> None:
    bins = [
        Bin(NOON, NOON + HOUR, Counts(900, 2, 0), True),
        Bin(NOON + HOUR, NOON + 2 * HOUR, Counts(900, 1, -1), True),
    ]
    [comments] = counts_chart(bins, None, [], UTC, T).strips
    assert (comments.name, comments.largest) == ("comments", "2")
    assert comments.bars == "M250 1000V0M750 1000V500"


def test_time_axis_has_round_local_times_and_dates_at_midnight() -> None:
    scale = TimeScale(NOON, NOON + 12 * HOUR)
    labels = [(tick.label, tick.at) for tick in time_ticks(scale, ALMATY, T)]
    assert labels == [
        ("18:00", 8.33),
        ("20:00", 25.0),
        ("22:00", 41.67),
        ("24 Nov", 58.33),
        ("02:00", 75.0),
        ("04:00", 91.67),
    ]


def test_time_axis_keeps_local_times_when_clocks_change() -> None:
    start = datetime(2026, 11, 1, 4, tzinfo=UTC)
    labels = [tick.label for tick in time_ticks(TimeScale(start, start + DAY), NEW_YORK, T)]
    assert labels == ["03:00", "06:00", "09:00", "12:00", "15:00", "18:00", "21:00"]


def test_marks_outside_of_chart_are_left_out_and_labels_stay_inside() -> None:
    marks = [
        Mark("decision", NOON + 9 * HOUR, "late"),
        Mark("published", NOON, "first"),
        Mark("decision", NOON - HOUR, "before"),
    ]
    placed = place_marks(marks, TimeScale(NOON, NOON + 10 * HOUR))
    assert [(mark.label, mark.at, mark.left) for mark in placed] == [
        ("first", 0.0, False),
        ("late", 90.0, True),
    ]
    assert placed[0].line < placed[1].line


def test_ranks_are_drawn_from_the_first_to_the_last_of_the_list() -> None:
    ranks = [(NOON + n * HOUR, rank) for n, rank in enumerate((1, None, 10, 100))]
    chart = ranks_chart(ranks, 100, [], UTC, T)
    assert chart.line == "M0 40L250 40M500 500L750 500L750 960L1000 960"
    assert chart.y_ticks == [Tick(4.0, "1"), Tick(50.0, "10"), Tick(96.0, "100")]


def test_ranks_begin_with_the_publication() -> None:
    published = Mark("published", NOON - HOUR / 2, "published")
    chart = ranks_chart([(NOON, 10), (NOON + HOUR, 1)], 100, [published], UTC, T)
    assert chart.line == "M250 500L500 500L500 40L1000 40"


def test_ranks_that_are_unavailable_are_said_to_be() -> None:
    query = ArticleQuery("s", "a")
    standing = Standing(None, None)
    details = ArticleDetails(query, (), None, False, None, None, {}, None, None, standing)
    context = ranks_context(None, details, [], NOON, T)
    assert context["rank_summary"] == "Ranks cannot be shown right now."


def test_repeated_local_time_has_its_offset() -> None:
    times = [datetime(2026, 11, 1, hour, tzinfo=UTC).astimezone(NEW_YORK) for hour in range(4, 8)]
    assert [clock_label(each, T) for each in times] == [
        "1 November, 00:00",
        "1 November, 01:00 (UTC−04:00)",
        "1 November, 01:00 (UTC−05:00)",
        "1 November, 02:00",
    ]


NOW = datetime(2026, 11, 23, 14, 3, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("age", "step", "start"),
    [
        (timedelta(minutes=10), "minute", "2026-11-23T13:03"),
        (3 * HOUR, "minute", "2026-11-23T11:03"),
        (30 * HOUR, "ten_minutes", "2026-11-22T08:00"),
        (9 * DAY, "hour", "2026-11-14T14:00"),
        (30 * DAY, "day", "2026-10-24T00:00"),
        (900 * DAY, "day", "2025-10-20T00:00"),
    ],
)
def test_chart_shows_life_of_article_by_default(age: timedelta, step: str, start: str) -> None:
    chosen = choose({}, NOW - age, NOW, "UTC")
    assert (chosen.name, chosen.step) == ("life", step)
    assert chosen.start.isoformat()[:16] == start
    assert chosen.end > NOW > chosen.end - DAY


@pytest.mark.parametrize("published", [None, NOW + DAY])
def test_chart_of_article_without_age_shows_a_week(published: datetime | None) -> None:
    chosen = choose({"over": "life"}, published, NOW, "UTC")
    assert (chosen.name, chosen.step) == ("7d", "hour")
    assert chosen.end - chosen.start == 7 * DAY


def test_days_of_chart_are_those_of_the_zone() -> None:
    chosen = choose({"over": "30d"}, None, NOW, "Asia/Almaty")
    assert chosen.end.isoformat() == "2026-11-23T19:00:00+00:00"
    assert chosen.end - chosen.start == 30 * DAY
    start = step_start(datetime(2026, 3, 8, 12, tzinfo=UTC), "day", NEW_YORK)
    spring = split(start, datetime(2026, 3, 10, 4, tzinfo=UTC), "day", NEW_YORK)
    assert [(each.end - each.start) / HOUR for each in spring] == [23, 24]


def test_days_leave_no_gap_where_their_minutes_expire() -> None:
    zone = ZoneInfo("Asia/Kolkata")
    start = step_start(NOW - 40 * DAY, "day", zone)
    days = [stored(each, NOW) for each in split(start, NOW, "day", zone)]
    assert all(one.end == other.start for one, other in pairwise(days))
    assert {each.start.minute for each in days} == {0, 30}


def test_date_is_day_of_zone_and_last_one_is_included() -> None:
    day = NOON.date() - 3 * DAY
    chosen = choose({"from": day, "to": day}, None, NOW, "Asia/Almaty")
    assert (chosen.name, chosen.step) == ("own", "ten_minutes")
    assert chosen.start.isoformat() == "2026-11-19T19:00:00+00:00"
    assert chosen.end - chosen.start == DAY


def test_period_beyond_retention_of_minutes_is_by_hour() -> None:
    day = NOON.date() - 60 * DAY
    assert choose({"from": day, "to": day}, None, NOW, "UTC").step == "hour"


@pytest.mark.parametrize(
    "values",
    [
        {"from": NOW, "to": NOW - HOUR},
        {"from": NOW + HOUR},
        {"from": NOW - 500 * DAY},
        {"from": NOW - HOUR, "over": "3h"},
        {"to": NOW - HOUR},
    ],
)
def test_impossible_period_is_rejected(values: dict[str, object]) -> None:
    with pytest.raises(BadParameter):
        choose(values, None, NOW, "UTC")
