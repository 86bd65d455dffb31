"""How long to wait before events are sent again."""

import random
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

FIRST, LONGEST = 0.5, 30.0
"""Seconds."""


def pause(attempts: int, retry_after: float) -> float:
    """Return seconds to wait after so many attempts: what the server asks for, if that is more
    than twice as long each time, by chance, so that many clients do not come back at once.
    """
    longest = min(LONGEST, FIRST * 2.0 ** min(attempts - 1, 10))
    return max(retry_after, longest * random.uniform(0.5, 1))  # noqa: S311  no secret


def retry_after(header: str | None, now: datetime | None = None) -> float:
    """Return the seconds that a Retry-After header asks for, 0 where it says nothing."""
    if not header:
        return 0.0
    if header.strip().isdecimal():
        return float(header)
    try:
        then = parsedate_to_datetime(header)
    except ValueError:
        return 0.0
    if then.tzinfo is None:
        then = then.replace(tzinfo=UTC)
    return max(0.0, (then - (now or datetime.now(UTC))).total_seconds())
