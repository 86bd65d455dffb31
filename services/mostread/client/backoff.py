"""Delays before retries."""

import random
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

INITIAL_SECONDS, MAX_SECONDS = 0.5, 30.0
MAX_RETRY_AFTER_SECONDS = 60.0
"""A maintenance page may name hours, and the collector be back in a minute."""


def delay(attempts: int, retry_after: float) -> float:
    """Return the seconds to wait after `attempts` attempts.

    The delay doubles with each attempt, with jitter so that clients do not return at once, and is
    at least the server's `retry_after`, of which a minute counts.
    """
    upper = min(MAX_SECONDS, INITIAL_SECONDS * 2.0 ** min(attempts - 1, 10))
    return max(min(retry_after, MAX_RETRY_AFTER_SECONDS), upper * random.uniform(0.5, 1))  # noqa: S311  not a secret


def parse_retry_after(header: str | None, now: datetime | None = None) -> float:
    """Return the seconds in a Retry-After header, 0 if it is absent or invalid."""
    if not header:
        return 0.0
    if header.strip().isdecimal():
        return float(header)
    try:
        at = parsedate_to_datetime(header)
    except ValueError:
        return 0.0
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    return max(0.0, (at - (now or datetime.now(UTC))).total_seconds())
