"""Run contestants in turn for several rounds, so that a slow minute affects all."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

import click

from benchmarks.contestant import Servers

Result = TypeVar("Result")


@dataclass(frozen=True)
class Scale:
    """Size of a run: the fastest aggregators count `events`, clients send for `seconds`."""

    rounds: int
    events: int
    seconds: float


@dataclass(frozen=True)
class Results:
    """Tables of a section as Markdown, and its figures by their names in `Measured`."""

    tables: str
    figures: Mapping[str, float] = field(default_factory=dict)


Section = Callable[[Servers, Scale], Results]
"""Measures one subject."""


def in_turn(
    rounds: int, contestants: Mapping[str, Callable[[], Result]]
) -> dict[str, list[Result]]:
    """Return the result of each contestant in each round."""
    results: dict[str, list[Result]] = {name: [] for name in contestants}
    for number in range(1, rounds + 1):
        for name, measure in contestants.items():
            result = measure()
            results[name].append(result)
            click.echo(f"round {number}: {name}: {result}", err=True)
    return results
