"""Findings of checks."""

from dataclasses import dataclass
from enum import IntEnum


class Level(IntEnum):
    """Severity of a finding, in ascending order."""

    OK = 0
    SKIPPED = 1
    WARNING = 2
    PROBLEM = 3


@dataclass(frozen=True)
class Finding:
    """Result of a check, with advice unless it is ok."""

    level: Level
    message: str
    advice: str = ""


def ok(message: str) -> Finding:
    """Return a finding that needs no action."""
    return Finding(Level.OK, message)


def skipped(message: str, advice: str = "") -> Finding:
    """Return a finding for something that could not be checked."""
    return Finding(Level.SKIPPED, message, advice)


def access_denied(reason: str) -> Finding:
    """Return a finding for something that the user has no right to see."""
    return skipped(
        f"not checked, since a right is missing: {reason}",
        "Grant operators the rights in deploy/kafka/acls.sh and deploy/clickhouse/grants.sql.",
    )


def warning(message: str, advice: str) -> Finding:
    """Return a finding for something that works, but may fail soon or surprise."""
    return Finding(Level.WARNING, message, advice)


def problem(message: str, advice: str) -> Finding:
    """Return a finding for something that fails, or makes numbers wrong."""
    return Finding(Level.PROBLEM, message, advice)
