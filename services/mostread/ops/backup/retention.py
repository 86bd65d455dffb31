"""Which backups to keep: the last one of each of the most recent days, weeks and so on."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime

PERIODS = {
    "last": "%Y-%m-%dT%H:%M:%S",
    "hourly": "%Y-%m-%dT%H",
    "daily": "%Y-%m-%d",
    "weekly": "%G-W%V",
    "monthly": "%Y-%m",
    "yearly": "%Y",
}
"""Formats that name the period of a time; `last` counts backups themselves."""


def parse_rules(text: str) -> dict[str, int]:
    """Return the number of backups by period from `daily=7,weekly=4`. Raises ValueError."""
    rules: dict[str, int] = {}
    for part in text.split(","):
        match = re.fullmatch(r"\s*([a-z]+)=([1-9]\d{0,3})\s*", part)
        if match is None or match[1] not in PERIODS:
            names = ", ".join(PERIODS)
            raise ValueError(f"{part!r} is not a rule; write one of {names} as in daily=7")
        rules[match[1]] = int(match[2])
    return rules


def kept(times: Sequence[datetime], rules: Mapping[str, int]) -> set[datetime]:
    """Return the times to keep, always with the latest one.

    A rule keeps the last backup of each of its most recent periods that have one, in UTC: a gap in
    the schedule removes nothing.
    """
    latest_first = sorted(times, reverse=True)
    result = set(latest_first[:1])
    for period, number in rules.items():
        last_of_period: dict[str, datetime] = {}
        for time in latest_first:
            last_of_period.setdefault(time.strftime(PERIODS[period]), time)
        result |= set(list(last_of_period.values())[:number])
    return result
