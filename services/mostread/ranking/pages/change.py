"""Changes of numbers against an earlier time, in few characters."""

from typing import NamedTuple

from mostread.ranking.pages.i18n import Translator

_TIMES, _NEW = 10, 100
"""Factors from which on a change is a multiple rather than a percentage, and nothing but new."""


class Change(NamedTuple):
    """A change: `direction` is up, down, new or same; short, and in words."""

    direction: str
    short: str
    text: str


def change(number: int, before: int, since: str, t: Translator) -> Change:
    """Describe how `number` differs from the number `before`, at the time `since`."""
    text = t("change_since", before=t.number(before), since=since)
    if number == before:
        return Change("same", "=", text)
    if before <= 0 or number >= _NEW * before:
        return Change("new", t("rank_new"), text)
    ratio = number / before
    if ratio >= _TIMES:
        return Change("up", f"×{t.number(ratio)}", text)
    percent = round(100 * (ratio - 1))
    if not percent:
        return Change("same", t("percent", number="±0"), text)
    direction, sign = ("up", "+") if percent > 0 else ("down", "\u2212")
    return Change(direction, t("percent", number=f"{sign}{abs(percent)}"), text)
