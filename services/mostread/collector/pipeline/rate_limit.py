"""How many events one source may send: a token bucket a source, in bounded memory."""

BURST_SECONDS = 600.0
"""What is saved up at most: as much as comes in ten minutes may come at once."""

MOST_SOURCES = 50_000
"""Sources in a generation; there are two."""


class RateLimit:
    """Lets through `an_hour` events from each source, evenly, with a burst of ten minutes' worth.

    It is the generic cell rate algorithm (ITU-T I.371): of a source only the time is kept at
    which its bucket would be full again. A source that has been silent until then is as good as
    unknown, so nothing is lost by forgetting it. Sources are kept in two generations; the older
    one is forgotten after BURST_SECONDS, or sooner where the younger one is full. Whoever goes
    on sending is in the younger one.
    """

    def __init__(self, an_hour: int, most_sources: int = MOST_SOURCES) -> None:
        self._interval = 3600 / an_hour
        self._burst = max(BURST_SECONDS, self._interval)
        self._most_sources = most_sources
        self._young: dict[int, float] = {}
        self._old: dict[int, float] = {}
        self._turned_at = 0.0

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def take(self, source: int, wanted: int, now: float) -> int:
        """Return how many of `wanted` events may pass at `now`, in seconds of a steady clock."""
        if len(self._young) >= self._most_sources or now - self._turned_at > self._burst:
            self._old, self._young, self._turned_at = self._young, {}, now
        full_at = self._young.get(source) or self._old.get(source, now)
        full_at = max(full_at, now)
        taken = int((now + self._burst - full_at) / self._interval + 1e-6)
        taken = min(taken, wanted)
        self._young[source] = full_at + taken * self._interval
        return taken
