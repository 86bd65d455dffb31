"""Changes of numbers in few characters."""

import pytest

from mostread.ranking.pages.change import change
from mostread.ranking.pages.i18n import TRANSLATORS


@pytest.mark.parametrize(
    ("number", "before", "short", "direction"),
    [
        (134, 100, "+34%", "up"),
        (88, 100, "\u221212%", "down"),
        (0, 100, "\u2212100%", "down"),
        (100, 100, "=", "same"),
        (10_001, 10_000, "±0%", "same"),
        (999, 100, "+899%", "up"),
        (1000, 100, "×10", "up"),
        (1980, 20, "×99", "up"),
        (123_400, 100, "×1,234", "up"),
        # Nothing can be compared with nothing.
        (5, 0, "\u2014", "none"),
        (0, 0, "\u2014", "none"),
        # Retractions can make comments and likes negative.
        (3, -1, "\u2014", "none"),
    ],
)
def test_change_is_a_percentage_or_multiple(
    number: int, before: int, short: str, direction: str
) -> None:
    described = change(number, before, "yesterday", TRANSLATORS["en"])
    assert (described.short, described.direction) == (short, direction)


def test_change_of_what_is_new_says_so() -> None:
    t = TRANSLATORS["en"]
    assert change(5, 0, "yesterday", t, new=True)[:2] == ("new", "new")
    assert change(5, 4, "yesterday", t, new=True).short == "+25%"


def test_change_says_what_it_is_compared_with() -> None:
    assert change(5, 4000, "yesterday", TRANSLATORS["en"]).text == "4,000 yesterday"
