"""What a check found."""

from dataclasses import dataclass
from enum import IntEnum


class Level(IntEnum):
    """How bad it is, the worst last."""

    OK = 0
    SKIPPED = 1
    WARNING = 2
    PROBLEM = 3


@dataclass(frozen=True)
class Finding:
    """One sentence about what is there, and one about what to do where that is not right."""

    level: Level
    what: str
    advice: str = ""


def ok(what: str) -> Finding:
    """It is as it should be."""
    return Finding(Level.OK, what)


def skipped(what: str, advice: str = "") -> Finding:
    """It could not be looked at."""
    return Finding(Level.SKIPPED, what, advice)


def forbidden(why: str) -> Finding:
    """Who connects may not look at it."""
    return skipped(
        f"not looked at, for want of a right: {why}",
        "deploy/kafka/acls.sh and deploy/clickhouse/grants.sql have what an operator needs.",
    )


def warning(what: str, advice: str) -> Finding:
    """It works, and may not for long, or not as one would think."""
    return Finding(Level.WARNING, what, advice)


def problem(what: str, advice: str) -> Finding:
    """Something does not work, or numbers are or will be wrong."""
    return Finding(Level.PROBLEM, what, advice)
