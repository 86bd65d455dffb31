"""Watermarks: the time up to which every event received is counted."""

from dataclasses import dataclass


@dataclass
class Watermark:
    """Watermark of one partition; `time` is in milliseconds by the workers' clocks.

    Nothing received before the end of the partition was requested lies beyond that end. Once the
    partition is counted to it, the time of that request is the watermark. Until then it is just
    before the record counted last, since others may have its timestamp; but not if that timestamp
    is ahead of the clock, which no record behind it needs to be.
    """

    time: int = 0
    _awaited: tuple[int, int] | None = None

    def update(self, requested_at: int, *, end: int, next_offset: int, last_time: int) -> int:
        """Return the watermark of a partition counted up to `next_offset`.

        `requested_at` (ms) is when its high watermark `end` was requested, `last_time` the
        timestamp of the record counted last, -1 if unknown. The result is at most `requested_at`.
        """
        self.time = min(self.time, requested_at)  # it may come from another worker's clock
        awaited_at, awaited_end = self._awaited or (requested_at, end)
        if last_time <= requested_at:
            self.time = max(self.time, last_time - 1)
        if next_offset >= end:
            self.time, self._awaited = requested_at, None
        elif next_offset >= awaited_end:
            self.time, self._awaited = max(self.time, awaited_at), (requested_at, end)
        else:
            self._awaited = (awaited_at, awaited_end)
        return self.time
