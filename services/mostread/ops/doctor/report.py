"""What was found, for people and for machines."""

import textwrap
from collections.abc import Iterator, Sequence

import click

from mostread.ops.doctor.findings import Finding, Level
from mostread.ops.doctor.runner import Checked

_WORDS = {
    Level.OK: ("ok", "green"),
    Level.SKIPPED: ("skipped", "cyan"),
    Level.WARNING: ("warning", "yellow"),
    Level.PROBLEM: ("problem", "red"),
}
_INDENT = " " * 10


def worst(checked: Sequence[Checked]) -> Level:
    """Return how bad the worst finding is."""
    return max(finding.level for each in checked for finding in each.findings or (_NOTHING,))


_NOTHING = Finding(Level.OK, "")


def lines(checked: Sequence[Checked], width: int) -> Iterator[str]:
    """Yield it as sentences, the causes first as they come, and then how it stands."""
    for name, finding in _together(checked):
        word, colour = _WORDS[finding.level]
        styled = click.style(f"{word:<8}", fg=colour, bold=finding.level > Level.OK)
        yield from _wrapped(styled, f"{name}: {finding.what}", width)
        if finding.advice:
            yield from _wrapped(" " * 8, f"→ {finding.advice}", width)
    yield ""
    yield summary(checked)


def _together(checked: Sequence[Checked]) -> Iterator[tuple[str, Finding]]:
    """Yield the findings with the names of their checks; what was skipped at the end, by cause."""
    unseen: dict[Finding, list[str]] = {}
    for each in checked:
        for finding in each.findings:
            if finding.level is Level.SKIPPED:
                unseen.setdefault(finding, []).append(each.name)
            else:
                yield each.name, finding
    for finding, names in unseen.items():
        yield ", ".join(names), finding


def summary(checked: Sequence[Checked]) -> str:
    """Say how it stands in one line."""
    levels = [finding.level for each in checked for finding in each.findings]
    counts = [
        (levels.count(Level.PROBLEM), "problem", "problems"),
        (levels.count(Level.WARNING), "warning", "warnings"),
        (levels.count(Level.SKIPPED), "not looked at", "not looked at"),
    ]
    said = [f"{number} {one if number == 1 else more}" for number, one, more in counts if number]
    return ", ".join(said) if said else "Nothing is wrong."


def as_json(checked: Sequence[Checked], looked_at: dict[str, str]) -> dict[str, object]:
    """Return it for machines."""
    return {
        "worst": worst(checked).name.lower(),
        "looked_at": looked_at,
        "findings": [
            {
                "check": each.name,
                "level": finding.level.name.lower(),
                "what": finding.what,
                "advice": finding.advice,
            }
            for each in checked
            for finding in each.findings
        ],
    }


def _wrapped(first: str, text: str, width: int) -> Iterator[str]:
    # Addresses and commands stay whole, so that they can be copied.
    parts = textwrap.wrap(
        text, max(30, width - len(_INDENT)), break_long_words=False, break_on_hyphens=False
    )
    yield f"{first}  {parts[0]}"
    for part in parts[1:]:
        yield f"{_INDENT}{part}"
