"""All checks at once, each with a deadline: whatever hangs, the others are heard."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from kafka.errors import AuthorizationError, KafkaError

from mostread.errors import MostreadError
from mostread.ops.doctor.findings import Finding, forbidden, problem, skipped
from mostread.ops.inspection.clients import ForbiddenError, NotReachedError, Way, together

Check = Callable[[Way], Iterable[Finding]]
"""Looks at one thing; what it is called is the name of the function. It may raise
NotReachedError, KafkaError and MostreadError.
"""


@dataclass(frozen=True)
class Checked:
    """What a check found."""

    name: str
    findings: tuple[Finding, ...]


def examine(way: Way, checks: Sequence[Check], seconds: float) -> list[Checked]:
    """Return what every check found, in the order of `checks`, within about so many seconds."""
    heard = together({_name(check): partial(_found, check, way) for check in checks}, seconds)
    late = problem(
        f"no answer within {seconds:g} s",
        "What it asks is there and does not get done: see whether that process hangs or its "
        "machine is overloaded; --seconds gives it longer.",
    )
    return [Checked(_name(check), heard.get(_name(check), (late,))) for check in checks]


def _name(check: Check) -> str:
    return check.__name__.replace("_", " ")


def _found(check: Check, way: Way) -> tuple[Finding, ...]:
    try:
        return tuple(check(way))
    except NotReachedError as error:
        return (skipped(f"not looked at, since {error.part} could not be read"),)
    except (AuthorizationError, ForbiddenError) as error:
        return (forbidden(str(error)),)
    except (KafkaError, MostreadError) as error:
        return (problem(str(error) or repr(error), "See the part's own log, and run this again."),)
    except Exception as error:  # a check that breaks is a finding, and must not hide the others
        return (problem(f"the check itself failed: {error!r}", "Please report this as a fault."),)
