"""Do the services say that they are ready? Asked where their addresses are known."""

import resource
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from mostread.infra.healthcheck import NoResponse, failing_checks
from mostread.infra.http.config import ServiceSettings
from mostread.ops.doctor.findings import Finding, ok, problem, warning
from mostread.ops.inspection.clients import Way


def services(way: Way) -> Iterator[Finding]:
    """Each that was named, or belongs to the embedded stack."""
    if not way.services:
        return
    ready = []
    with ThreadPoolExecutor(len(way.services)) as pool:
        for name, said in zip(way.services, pool.map(_ask, way.services.values()), strict=True):
            if isinstance(said, NoResponse):
                yield problem(
                    f"{name}: {said}",
                    f"Start `mostread {name.partition('-')[0]}`, or see in its log why it ended.",
                )
            elif said:
                why = "; ".join(f"{part}: {wrong}" for part, wrong in said.items())
                yield problem(
                    f"{name} is not ready: {why}",
                    "It goes on by itself once that is mended; starting it anew does not help.",
                )
            else:
                ready.append(name)
    if ready:
        yield ok(f"{', '.join(ready)} {'is' if len(ready) == 1 else 'are'} ready")


def _ask(address: str) -> dict[str, str] | NoResponse:
    try:
        return failing_checks(address)
    except NoResponse as error:
        return error


OTHER_FILES = 100


def open_files(way: Way) -> Iterator[Finding]:
    """The hard limit of this process, which is that of services started the same way."""
    connections = way.settings(ServiceSettings).http_max_connections
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < connections + OTHER_FILES:
        yield warning(
            f"a process here may open {hard:,} files, which does not do for "
            f"MOSTREAD_HTTP_MAX_CONNECTIONS={connections}",
            f"Raise it to {connections + OTHER_FILES:,} or more (ulimit -Hn, LimitNOFILE of "
            "systemd), or lower the setting.",
        )
    else:
        may = "any number of" if hard == resource.RLIM_INFINITY else f"{hard:,}"
        yield ok(f"a process here may open {may} files")
