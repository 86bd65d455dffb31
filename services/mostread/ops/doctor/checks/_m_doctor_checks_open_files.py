"""May a service have as many connections as its settings say?"""

import resource
from collections.abc import Iterator

from mostread.ops.doctor.findings import Finding, ok, warning
from mostread.ops.inspection.clients import Way
from mostread.infra.http.config import ServiceSettings

OTHER_FILES = 100


def open_files(way: Way) -> Iterator[Finding]:
    """The hard limit of this process, which is that of services started the same way."""
    connections = way.settings(ServiceSettings).http_connections
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < connections + OTHER_FILES:
        yield warning(
            f"a process here may open {hard:,} files, which does not do for "
            f"MOSTREAD_HTTP_CONNECTIONS={connections}",
            f"Raise it to {connections + OTHER_FILES:,} or more (ulimit -Hn, LimitNOFILE of "
            "systemd), or lower the setting.",
        )
    else:
        may = "any number of" if hard == resource.RLIM_INFINITY else f"{hard:,}"
        yield ok(f"a process here may open {may} files")
