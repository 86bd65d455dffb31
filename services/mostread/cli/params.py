"""The options of commands that look at the whole way: where its services and its stack are."""

import os
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import click

from mostread.devstack.data_dir import DataFolder, Running, running
from mostread.errors import Misconfigured
from mostread.infra.clock import now_ms

Command = TypeVar("Command", bound=Callable[..., Any])


def _service(name: str) -> Callable[[Command], Command]:
    return click.option(
        f"--{name}",
        multiple=True,
        metavar="URL",
        help=f"Where {'an' if name[0] in 'aeiou' else 'a'} {name} answers; may be given several "
        "times.",
    )


_data = click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(".mostread"),
    show_default=True,
    help="The folder of a stack that `mostread up` or `demo` runs: it is found by itself.",
)


def way_options(*services: str) -> Callable[[Command], Command]:
    """Give a command the option --data, and one for the addresses of each of the services."""

    def with_options(command: Command) -> Command:
        for option in reversed([_data, *map(_service, services)]):
            command = option(command)
        return command

    return with_options


def find_stack(data: Path) -> Running | None:
    """Return the stack that runs on `data`, its settings taken over into the environment.

    None where none runs, or where the environment names another Kafka or ClickHouse. Called
    before settings are read.
    """
    stack = running(DataFolder(data))
    return stack if stack and stack.adopt(os.environ) else None


def addresses(stack: Running | None, given: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Return where services answer, by name: those given, else those of the stack."""
    found = {}
    for service, urls in given.items():
        for number, url in enumerate(urls, start=1):
            if not url.startswith(("http://", "https://")):
                raise Misconfigured(f"--{service} {url}: write http://host:port")
            found[service if len(urls) == 1 else f"{service}-{number}"] = url.rstrip("/")
    if stack:
        found |= {
            name: address
            for name, address in stack.addresses.items()
            if not given.get(name.partition("-")[0])
        }
    return found


class Name(click.ParamType):
    """Up to 64 letters, digits and the characters of `also`, whose hyphen comes last."""

    name = "name"

    def __init__(self, also: str) -> None:
        self._also = also
        self._allowed = re.compile(rf"[A-Za-z0-9{also}]{{1,64}}")

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if not self._allowed.fullmatch(value):
            self.fail(f"up to 64 of A-Z a-z 0-9 {' '.join(self._also)}", param, ctx)
        return value


IMPORT = Name("._:-")
SITE = Name("._-")


_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


class Moment(click.ParamType):
    """An ISO 8601 time (UTC where it names no zone), or 90s, 30m, 24h or 7d: so long ago.

    The value is in milliseconds since the epoch.
    """

    name = "when"

    def convert(
        self, value: str | int, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        if isinstance(value, int):
            return value
        if ago := re.fullmatch(r"(\d{1,9})([smhd])", value):
            return max(0, now_ms() - int(ago[1]) * _UNITS[ago[2]] * 1000)
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is neither a time, like 2026-01-31T12:00, nor 24h", param, ctx)
        return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
