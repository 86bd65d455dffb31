"""The interface of a format of access logs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Protocol

from mostread.ops.access_logs.clients import ClientResolver
from mostread.ops.access_logs.request import LoggedRequest

LAST_FIELD = "last"
"""--client-from for the last quoted field of a common or combined log."""


@dataclass(frozen=True)
class FormatOptions:
    """Options of all formats.

    `client_from` names the field that contains the reader's addresses, if not the usual one.
    `zone` is that of times without one; None is UTC.
    """

    clients: ClientResolver
    client_from: str | None = None
    zone: tzinfo | None = None


class OtherFormat(ValueError):
    """A line, or a file, that is not in the format at all."""


class LogFormat(Protocol):
    """A format, as the lines of one file have it.

    `notes` say what the reader of the summary should know about the file.
    """

    name: str
    has_user_agents: bool

    @property
    def notes(self) -> Sequence[str]: ...

    def parse(self, line: str) -> LoggedRequest | None:
        """Return the request of a line; None for a comment.

        Raises OtherFormat or ValueError with the reason.
        """
        ...


FormatFactory = Callable[[Sequence[str], FormatOptions], LogFormat]
"""Takes the first lines of a file. Raises OtherFormat, or ValueError with the
reason, if they cannot be in the format."""


def method_note(known: bool) -> list[str]:
    return [] if known else ["the lines have no method; every request was read as a GET"]


def zone_note(assumed_utc: bool) -> list[str]:
    if not assumed_utc:
        return []
    return ["times without a time zone were read as UTC; if they are not, pass --time-zone"]
