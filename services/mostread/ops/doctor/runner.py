"""Runs all checks concurrently under one deadline."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from kafka.errors import AuthorizationError, KafkaError

from mostread.errors import MostreadError
from mostread.ops.doctor.findings import Finding, access_denied, problem, skipped
from mostread.ops.inspection.clients import (
    AccessDenied,
    DependencyUnavailable,
    SystemClients,
    run_with_deadline,
)

Check = Callable[[SystemClients], Iterable[Finding]]
"""Checks one subject; its name is that of the function. May raise DependencyUnavailable,
KafkaError and MostreadError.
"""


@dataclass(frozen=True)
class CheckResult:
    """A check's name and findings."""

    name: str
    findings: tuple[Finding, ...]


def run_checks(
    clients: SystemClients, checks: Sequence[Check], seconds: float
) -> list[CheckResult]:
    """Run all checks for at most about `seconds`; return results in the order of `checks`."""
    results = run_with_deadline(
        {_name(check): partial(_run_check, check, clients) for check in checks}, seconds
    )
    timed_out = problem(
        f"no response within {seconds:g} s",
        "A server accepts connections but does not finish requests: check whether its process "
        "hangs or its machine is overloaded, or raise --timeout.",
    )
    return [CheckResult(_name(check), results.get(_name(check), (timed_out,))) for check in checks]


def _name(check: Check) -> str:
    return check.__name__.replace("_", " ")


def _run_check(check: Check, clients: SystemClients) -> tuple[Finding, ...]:
    try:
        return tuple(check(clients))
    except DependencyUnavailable as error:
        return (skipped(f"not checked, since {error.dependency} could not be read"),)
    except (AuthorizationError, AccessDenied) as error:
        return (access_denied(str(error)),)
    except (KafkaError, MostreadError) as error:
        message = str(error) or repr(error)
        return (problem(message, "Read the log of the server, then run the doctor again."),)
    except Exception as error:  # a failing check must not hide the findings of the others
        return (problem(f"the check itself failed: {error!r}", "Please report this as a bug."),)
