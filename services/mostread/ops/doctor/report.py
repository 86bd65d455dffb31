"""Doctor reports as text and as JSON."""

import textwrap
from collections.abc import Iterator, Sequence

import click

from mostread.ops.doctor.findings import Finding, Level
from mostread.ops.doctor.runner import CheckResult

_STYLES = {
    Level.OK: ("ok", "green"),
    Level.SKIPPED: ("skipped", "cyan"),
    Level.WARNING: ("warning", "yellow"),
    Level.PROBLEM: ("problem", "red"),
}
_INDENT = " " * 10


def worst_level(results: Sequence[CheckResult]) -> Level:
    """Return the most severe level of all findings."""
    levels = (finding.level for result in results for finding in result.findings)
    return max(levels, default=Level.OK)


def report_lines(results: Sequence[CheckResult], width: int) -> Iterator[str]:
    """Yield the findings as wrapped lines, then a summary."""
    for name, finding in _ordered(results):
        word, colour = _STYLES[finding.level]
        label = click.style(f"{word:<8}", fg=colour, bold=finding.level > Level.OK)
        yield from _wrap(label, f"{name}: {finding.message}", width)
        if finding.advice:
            yield from _wrap(" " * 8, f"→ {finding.advice}", width)
    yield ""
    yield summary(results)


def _ordered(results: Sequence[CheckResult]) -> Iterator[tuple[str, Finding]]:
    """Yield findings with names of their checks; skipped ones last, grouped by finding."""
    skipped: dict[Finding, list[str]] = {}
    for result in results:
        for finding in result.findings:
            if finding.level is Level.SKIPPED:
                skipped.setdefault(finding, []).append(result.name)
            else:
                yield result.name, finding
    for finding, names in skipped.items():
        yield ", ".join(names), finding


def summary(results: Sequence[CheckResult]) -> str:
    """Return the number of findings by level in one line."""
    levels = [finding.level for result in results for finding in result.findings]
    counts = [
        (levels.count(Level.PROBLEM), "problem", "problems"),
        (levels.count(Level.WARNING), "warning", "warnings"),
        (levels.count(Level.SKIPPED), "skipped", "skipped"),
    ]
    parts = [
        f"{number} {singular if number == 1 else plural}"
        for number, singular, plural in counts
        if number
    ]
    return ", ".join(parts) if parts else "No problems found."


def as_json(results: Sequence[CheckResult], targets: dict[str, str]) -> dict[str, object]:
    """Return the report as a JSON object."""
    return {
        "worst": worst_level(results).name.lower(),
        "targets": targets,
        "findings": [
            {
                "check": result.name,
                "level": finding.level.name.lower(),
                "message": finding.message,
                "advice": finding.advice,
            }
            for result in results
            for finding in result.findings
        ],
    }


def _wrap(label: str, text: str, width: int) -> Iterator[str]:
    # Never break addresses and commands, so that they can be copied.
    lines = textwrap.wrap(
        text, max(30, width - len(_INDENT)), break_long_words=False, break_on_hyphens=False
    )
    yield f"{label}  {lines[0]}"
    for line in lines[1:]:
        yield f"{_INDENT}{line}"
