"""Tables and goals as Markdown."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def whole(number: float) -> str:
    """Format a number with three significant digits."""
    digits = 3 - len(f"{number:.0f}")
    return f"{round(number, digits):,.0f}" if number >= 100 else f"{number:.1f}"


def spread(figures: Sequence[float]) -> str:
    """Format the minimum and maximum of several rounds."""
    return f"{whole(min(figures))} to {whole(max(figures))}"


def mib(size: int) -> str:
    """Format bytes as MiB."""
    return f"{size / (1 << 20):,.0f}"


middle = statistics.median


@dataclass(frozen=True)
class Goal:
    """Target for a figure: a lower bound, or with `most` an upper bound."""

    what: str
    wanted: float
    measured: float
    most: bool = False

    @property
    def row(self) -> list[str]:
        """The row in the table of goals."""
        met = self.measured <= self.wanted if self.most else self.measured >= self.wanted
        sign = "≤" if self.most else "≥"
        return [
            self.what,
            f"{sign} {_short(self.wanted)}",
            _short(self.measured),
            "✓" if met else "✗",
        ]


def goals(all_goals: Sequence[Goal]) -> str:
    """Return a table of goals."""
    return table(["goal", "target", "measured", ""], [goal.row for goal in all_goals])


def _short(number: float) -> str:
    return f"{number:.2f}" if abs(number) < 10 else whole(number)
