"""What became of the load: the numbers that `mostread loadgen` prints."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from mostread.core.events import Event
from mostread.ops.loadgen.runner import Outcome


@dataclass
class Summary:
    """Counts events, and the seconds until each request was acknowledged."""

    sent: int = 0
    accepted: int = 0
    dropped: int = 0
    by_type: Counter[str] = field(default_factory=Counter)
    rejected: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    retries: int = 0
    seconds: list[float] = field(default_factory=list)

    @property
    def never_acknowledged(self) -> int:
        return self.sent - self.accepted - self.dropped - self.rejected.total()

    def acknowledged(self, events: Sequence[Event], outcome: Outcome) -> None:
        self.accepted += outcome.accepted
        self.dropped += outcome.dropped
        self.retries += outcome.attempts - 1
        self.seconds.append(outcome.seconds)
        self.rejected.update(rejection.reason for rejection in outcome.rejected)
        bad = {rejection.index for rejection in outcome.rejected}
        self.by_type.update(e.type for index, e in enumerate(events) if index not in bad)

    def lines(self, elapsed: float) -> list[str]:
        """Return the summary for people; `elapsed` is the seconds it was sent in."""
        types = ", ".join(f"{kind} {self.by_type[kind]}" for kind in ("view", "comment", "like"))
        lines = [
            f"sent      {self.sent} events in {elapsed:.1f} s ({self.sent / elapsed:.0f}/s)",
            f"accepted  {self.accepted}, dropped {self.dropped} ({types})",
            f"rejected  {self.rejected.total()}" + _reasons(self.rejected),
            f"resent    {self.retries} requests",
            f"never acknowledged  {self.never_acknowledged}" + _reasons(self.errors),
        ]
        if self.seconds:
            at = sorted(self.seconds)
            points = [(p, at[min(len(at) - 1, int(len(at) * p / 100))]) for p in (50, 90, 99, 100)]
            said = ", ".join(f"p{p} {1000 * s:.1f} ms" for p, s in points)
            lines.append(f"answered  {said}")
        return lines


def _reasons(counted: Counter[str]) -> str:
    return "".join(f"\n    {count} {reason}" for reason, count in counted.most_common(5))
