"""The wall clock; code in `core` receives the time as an argument."""

import time


def now_ms() -> int:
    """Return the wall clock in milliseconds since 1970-01-01T00:00:00Z."""
    return time.time_ns() // 1_000_000
