"""Checks that services are ready, and that processes may open enough files."""

import resource
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from mostread.infra.healthcheck import NoResponse, failing_checks
from mostread.infra.http.config import ServiceSettings
from mostread.ops.doctor.findings import Finding, ok, problem, warning
from mostread.ops.inspection.clients import SystemClients

_OTHER_FILES = 100
"""Open files of a service besides client connections."""


def services(clients: SystemClients) -> Iterator[Finding]:
    """Check /readyz of each service whose address is known."""
    if not clients.services:
        return
    ready = []
    with ThreadPoolExecutor(len(clients.services)) as pool:
        results = pool.map(_failing_checks, clients.services.values())
        for name, failing in zip(clients.services, results, strict=True):
            if isinstance(failing, NoResponse):
                yield problem(
                    f"{name}: {failing}",
                    f"Start `mostread {name.partition('-')[0]}`, or read its log.",
                )
            elif failing:
                details = "; ".join(f"{check}: {error}" for check, error in failing.items())
                yield problem(
                    f"{name} is not ready: {details}",
                    "Fix the cause; the service then recovers without a restart.",
                )
            else:
                ready.append(name)
    if ready:
        yield ok(f"{', '.join(ready)} {'is' if len(ready) == 1 else 'are'} ready")


def _failing_checks(url: str) -> dict[str, str] | NoResponse:
    try:
        return failing_checks(url)
    except NoResponse as error:
        return error


def open_files(clients: SystemClients) -> Iterator[Finding]:
    """Check the hard limit of open files, which services started the same way share."""
    connections = clients.settings(ServiceSettings).http_max_connections
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < connections + _OTHER_FILES:
        yield warning(
            f"the limit of {hard:,} open files is too low for "
            f"MOSTREAD_HTTP_MAX_CONNECTIONS={connections}",
            f"Raise it to at least {connections + _OTHER_FILES:,} (ulimit -Hn, LimitNOFILE of "
            "systemd), or lower the setting.",
        )
    else:
        limit = "unlimited" if hard == resource.RLIM_INFINITY else f"{hard:,}"
        yield ok(f"the limit of open files is {limit}")
