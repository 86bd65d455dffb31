"""The check of the demo's list."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from mostread.devstack.demo import output, scenario
from mostread.devstack.demo.api import LIMIT, DemoItem, DemoRanking, DemoWindow
from mostread.devstack.demo.check import differences, expected
from mostread.devstack.demo.scenario import HOUR_MS, DemoCounts, load_articles

TEN = load_articles().counted
AT = datetime(2026, 11, 23, 14, 3, 5, tzinfo=UTC)
AT_MS = int(AT.timestamp() * 1000)
PLANNED = scenario.events(TEN, AT_MS)
TOTALS = {article.article_id: article.total for article in TEN}
ITEMS = [
    DemoItem(rank, article.article_id, article.title, article.recent, article.total)
    for rank, article in enumerate(TEN, start=1)
]


def ranking(items: list[DemoItem], later: timedelta = timedelta(0)) -> DemoRanking:
    end = AT.replace(second=0) + timedelta(minutes=1) + later
    return DemoRanking(DemoWindow(end - timedelta(hours=24), end), end, items)


def errors(actual: DemoRanking, totals: dict[str, DemoCounts] = TOTALS) -> list[str]:
    return list(differences(TEN, actual, expected(PLANNED, actual), totals))


def stranger(views: int) -> DemoItem:
    counts = DemoCounts(views)
    return DemoItem(0, f"stranger-{views}", "", counts, counts)


def test_expected_list_has_no_differences() -> None:
    assert errors(ranking(ITEMS)) == []


def test_other_articles_in_the_list_are_ignored() -> None:
    assert errors(ranking([stranger(5000), *ITEMS[:4], stranger(2650), *ITEMS[4:]])) == []


def test_article_below_the_end_of_a_full_list_may_be_missing() -> None:
    many = [stranger(9000 - n) for n in range(LIMIT - 9)]
    assert errors(ranking(sorted([*many, *ITEMS[:9]], key=lambda item: -item.window.views))) == []


@pytest.mark.parametrize(
    ("items", "error"),
    [
        (ITEMS[:9], "snow-leopard: not in the list, expected with 2126/6/26 in 24 hours"),
        ([ITEMS[1], ITEMS[0], *ITEMS[2:]], "the order is first-snow-roads, metro-after-midnight,"),
        (
            [msgspec.structs.replace(ITEMS[0], window=DemoCounts(2968, 2, 28)), *ITEMS[1:]],
            "metro-after-midnight: 2968/2/28 in 24 hours, expected 2967/2/28",
        ),
        (
            [msgspec.structs.replace(ITEMS[0], title="?"), *ITEMS[1:]],
            "metro-after-midnight: headline '?'",
        ),
    ],
)
def test_differences_names_the_wrong_article(items: list[DemoItem], error: str) -> None:
    (difference,) = errors(ranking(items))
    assert difference.startswith(error)


def test_totals_are_compared_for_listed_and_unlisted_articles() -> None:
    (difference,) = errors(
        ranking(ITEMS), TOTALS | {"metro-after-midnight": DemoCounts(3926, 2, 37)}
    )
    assert difference == "metro-after-midnight: 3926/2/37 in total, expected 3925/2/37"
    (difference,) = errors(
        ranking([], timedelta(days=3)), TOTALS | {"metro-after-midnight": DemoCounts()}
    )
    assert difference == "metro-after-midnight: 0/0/0 in total, expected 3925/2/37"


def test_empty_list_is_correct_days_after_the_load() -> None:
    empty = ranking([], timedelta(days=3))
    assert errors(empty) == []
    text = output.summary(TEN, expected(PLANNED, empty), 72 * HOUR_MS)
    assert text.startswith("The totals are exactly as expected. The demo was loaded 72.0 hours ago")
    lines = list(output.table(TEN, empty, TOTALS))
    assert lines[1].split()[:5] == ["-", "-", "3925", "2", "37"]


def test_summary_within_an_hour_confirms_the_complete_list() -> None:
    text = output.summary(TEN, expected(PLANNED, ranking(ITEMS)), 0)
    assert text == "The list is exactly as expected: order, counts in 24 hours, and totals."
