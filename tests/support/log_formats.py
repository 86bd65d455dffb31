"""Access log lines read in a detected or a given format."""

from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo

from mostread.infra.http.networks import Networks
from mostread.ops.access_logs.clients import ClientResolver
from mostread.ops.access_logs.formats.detection import detect, format_factory
from mostread.ops.access_logs.formats.log_format import FormatOptions, LogFormat
from mostread.ops.access_logs.request import LoggedRequest


def detected(
    lines: Sequence[str],
    template: str | None = None,
    *,
    client_from: str | None = None,
    trusted: str = "",
    zone: tzinfo | None = None,
) -> LogFormat:
    """Return the format that `mostread import-logs` chooses for these lines."""
    options = FormatOptions(ClientResolver(Networks(trusted)), client_from, zone)
    return detect(lines, options, None if template is None else format_factory(template))


def read(lines: Sequence[str], log_format: LogFormat) -> list[LoggedRequest | str]:
    """Return the request of each line, or the error; nothing for a comment."""
    results: list[LoggedRequest | str] = []
    for line in filter(None, lines):
        try:
            request = log_format.parse(line)
        except ValueError as error:
            results.append(str(error))
        else:
            results.extend([] if request is None else [request])
    return results


def utc_minute(year: int, month: int, day: int, hour: int, minute: int) -> int:
    """Return minutes since the epoch."""
    return int(datetime(year, month, day, hour, minute, tzinfo=UTC).timestamp()) // 60
