"""What became of the events that a client was given."""

from typing import NamedTuple


class Stats(NamedTuple):
    """Events by what is known of them: each is in exactly one of the first seven."""

    waiting: int = 0
    """In the queue, or being sent."""
    accepted: int = 0
    """In Kafka: counted, once however often they were sent."""
    dropped: int = 0
    """Valid, and left out by the collector on purpose (an unknown site, a bot)."""
    rejected: int = 0
    """Invalid; sending them again would not help."""
    overflowed: int = 0
    """Left out here, because the queue was full."""
    given_up: int = 0
    """Not counted: the collector was away for too long, did not want them, or time was over."""
    unknown: int = 0
    """Given up after an attempt that may have succeeded: counted or not."""
    retries: int = 0
    """Requests that were sent again."""
    last_error: str = ""
    """What went wrong last, with sending or with an event."""
