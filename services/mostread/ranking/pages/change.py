"""Changes of numbers against an earlier time, in few characters."""

from typing import NamedTuple

from mostread.ranking.pages.i18n import Translator

_TIMES = 10
"""Factor from which on a change is a multiple rather than a percentage."""


class Change(NamedTuple):
    """A change: `direction` is up, down, same, new or none; short, and in words."""

    direction: str
    short: str
    text: str


def change(number: int, before: int, since: str, t: Translator, *, new: bool = False) -> Change:
    """Describe how `number` differs from the number `before`, at the time `since`.

    Nothing can be compared with 0; `new` tells that nothing could have been counted by then.
    """
    text = t("change_since", before=t.number(before), since=since)
    if before <= 0:
        return Change("new", t("rank_new"), text) if new else Change("none", "\u2014", text)
    if number == before:
        return Change("same", "=", text)
    ratio = number / before
    if ratio >= _TIMES:
        return Change("up", f"×{t.number(ratio)}", text)
    percent = round(100 * (ratio - 1))
    if not percent:
        return Change("same", t("percent", number="±0"), text)
    direction, sign = ("up", "+") if percent > 0 else ("down", "\u2212")
    return Change(direction, t("percent", number=f"{sign}{abs(percent)}"), text)
