"""Changes of numbers against an earlier time, in few characters."""

from typing import NamedTuple

from mostread.ranking.pages.i18n import Translator

_TIMES = 10
"""From this factor on a change is a multiple rather than a percentage."""


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
    if before <= 0:
        return Change("new", t("rank_new"), text)
    ratio = number / before
    if ratio >= _TIMES:
        return Change("up", f"×{t.number(ratio)}", text)
    percent = round(100 * (ratio - 1))
    sign = "+" if percent > 0 else "\u2212" if percent < 0 else "±"
    return Change("up" if ratio > 1 else "down", t("percent", number=f"{sign}{abs(percent)}"), text)
