"""The options of commands that look at the whole way: where its services and its stack are."""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from mostread.errors import Misconfigured
from mostread.devstack.data_dir import DataFolder
from mostread.devstack._m_local_running import Running, running

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
