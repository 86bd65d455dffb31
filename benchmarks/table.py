"""Tables and goals as Markdown."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def whole(number: float) -> str:
    """Return a number of events without more digits than mean something."""
    digits = 3 - len(f"{number:.0f}")
    return f"{round(number, digits):,.0f}" if number >= 100 else f"{number:.1f}"


def spread(figures: Sequence[float]) -> str:
    """Return the least and the most of several rounds."""
    return f"{whole(min(figures))} to {whole(max(figures))}"


def mib(size: int) -> str:
    """Return bytes as MiB."""
    return f"{size / (1 << 20):,.0f}"


middle = statistics.median


@dataclass(frozen=True)
class Goal:
    """A target for a figure; with `most` it is an upper bound."""

    what: str
    wanted: float
    measured: float
    most: bool = False

    @property
    def row(self) -> list[str]:
        """Return the row of a table of goals."""
        met = self.measured <= self.wanted if self.most else self.measured >= self.wanted
        sign = "≤" if self.most else "≥"
        return [
            self.what,
            f"{sign} {_short(self.wanted)}",
            _short(self.measured),
            "✓" if met else "✗",
        ]


def goals(reached: Sequence[Goal]) -> str:
    """Return a table of goals."""
    return table(["goal", "wanted", "found", ""], [goal.row for goal in reached])


def _short(number: float) -> str:
    return f"{number:.2f}" if abs(number) < 10 else whole(number)
