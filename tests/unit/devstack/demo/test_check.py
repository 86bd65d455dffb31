"""What the check of the demo's list lets pass, and what it finds."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from mostread.devstack.demo import output as telling
from mostread.devstack.demo import scenario as plan
from mostread.devstack.demo.api import LIMIT, Item, MostRead, Window
from mostread.devstack.demo.check import differences, expected
from mostread.devstack.demo.scenario import HOUR_MS, Counts, articles

TEN = articles().counted
AT = datetime(2026, 11, 23, 14, 3, 5, tzinfo=UTC)
AT_MS = int(AT.timestamp() * 1000)
PLANNED = plan.events(TEN, AT_MS)
TOTALS = {article.article_id: article.total for article in TEN}
ITEMS = [
    Item(rank, article.article_id, article.title, article.recent, article.total)
    for rank, article in enumerate(TEN, start=1)
]


def listed(items: list[Item], later: timedelta = timedelta(0)) -> MostRead:
    end = AT.replace(second=0) + timedelta(minutes=1) + later
    return MostRead(Window(end - timedelta(hours=24), end), end, items)


def found(answer: MostRead, totals: dict[str, Counts] = TOTALS) -> list[str]:
    return list(differences(TEN, answer, expected(PLANNED, answer), totals))


def stranger(views: int) -> Item:
    counts = Counts(views)
    return Item(0, f"stranger-{views}", "", counts, counts)


def test_the_list_as_it_must_be() -> None:
    assert found(listed(ITEMS)) == []


def test_articles_beside_the_ten_change_nothing() -> None:
    assert found(listed([stranger(5000), *ITEMS[:4], stranger(2650), *ITEMS[4:]])) == []


def test_whoever_is_below_the_end_of_a_full_list_need_not_be_in_it() -> None:
    many = [stranger(9000 - n) for n in range(LIMIT - 9)]
    assert found(listed(sorted([*many, *ITEMS[:9]], key=lambda item: -item.window.views))) == []


@pytest.mark.parametrize(
    ("items", "said"),
    [
        (ITEMS[:9], "snow-leopard: not in the list, with 2126/6/26 in 24 hours"),
        ([ITEMS[1], ITEMS[0], *ITEMS[2:]], "the order is first-snow-roads, metro-after-midnight,"),
        (
            [msgspec.structs.replace(ITEMS[0], window=Counts(2968, 2, 28)), *ITEMS[1:]],
            "metro-after-midnight: 2968/2/28 in 24 hours, and not 2967/2/28",
        ),
        (
            [msgspec.structs.replace(ITEMS[0], title="?"), *ITEMS[1:]],
            "metro-after-midnight: its headline is '?'",
        ),
    ],
)
def test_what_is_wrong_is_said(items: list[Item], said: str) -> None:
    (difference,) = found(listed(items))
    assert difference.startswith(said)


def test_a_total_is_held_against_the_table_in_the_list_or_not() -> None:
    (difference,) = found(listed(ITEMS), TOTALS | {"metro-after-midnight": Counts(3926, 2, 37)})
    assert difference == "metro-after-midnight: 3926/2/37 in all, and not 3925/2/37"
    (difference,) = found(
        listed([], timedelta(days=3)), TOTALS | {"metro-after-midnight": Counts()}
    )
    assert difference == "metro-after-midnight: 0/0/0 in all, and not 3925/2/37"


def test_days_later_an_empty_list_is_right_and_what_is_said_is_true() -> None:
    empty = listed([], timedelta(days=3))
    assert found(empty) == []
    said = telling.verdict(TEN, expected(PLANNED, empty), 72 * HOUR_MS)
    assert said.startswith("The totals are exactly as expected. The demo was loaded 72.0 hours ago")
    lines = list(telling.table(TEN, empty, TOTALS))
    assert lines[1].split()[:5] == ["-", "-", "3925", "2", "37"]


def test_within_the_hour_the_whole_list_is_said_to_be_right() -> None:
    said = telling.verdict(TEN, expected(PLANNED, listed(ITEMS)), 0)
    assert said == "The list is exactly as expected: order, counts in 24 hours, and totals."
