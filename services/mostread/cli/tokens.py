"""`mostread token`."""

import re
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from mostread.cli.params import stack_option
from mostread.collector.config import CollectorSettings
from mostread.errors import Misconfigured, NameTaken
from mostread.infra.auth import token_file
from mostread.infra.auth.token_file import Tokens
from mostread.infra.auth.tokens import Role, Token, hash_token, parse_tokens

Command = TypeVar("Command", bound=Callable[..., Any])

_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")


def _file(_: click.Context, __: click.Parameter, value: Path | None) -> Path:
    path = value or Path(CollectorSettings().collector_tokens_file)
    if path == Path():
        raise click.UsageError("no token file; give --file or set MOSTREAD_COLLECTOR_TOKENS_FILE")
    return path


def _with_file(command: Command) -> Command:
    return click.option(
        "--file",
        type=click.Path(dir_okay=False, path_type=Path),
        callback=_file,
        help="Token file; default: MOSTREAD_COLLECTOR_TOKENS_FILE.",
    )(command)


@click.group()
def token() -> None:
    """Create, list and revoke bearer tokens.

    Collectors and ranking services reload the file of MOSTREAD_COLLECTOR_TOKENS_FILE within two
    seconds.
    """


@token.command()
@stack_option
@click.argument("name")
@click.option("--role", type=click.Choice([role.value for role in Role]), required=True)
@click.option(
    "--site", "sites", multiple=True, help="A site the token is for; repeatable. Default: all."
)
@_with_file
def create(name: str, role: str, sites: tuple[str, ...], file: Path) -> None:
    """Create a token and print it once; only its hash is stored."""
    if not _NAME.fullmatch(name):
        raise click.UsageError(f"{name!r} is not a name; use 1 to 64 of A-Z a-z 0-9 . _ -")
    for site in sites:
        if not _NAME.fullmatch(site):
            raise click.UsageError(f"{site!r} is not a site; use 1 to 64 of A-Z a-z 0-9 . _ -")
    secret = secrets.token_urlsafe(32)
    new = Token(name, Role(role), hash_token(secret), frozenset(sites))

    def add(tokens: Tokens) -> Tokens:
        if any(existing.name == name for existing in tokens):
            raise NameTaken(
                f"{file} has a token {name!r} already; revoke it first, or choose another name"
            )
        return (*tokens, new)

    token_file.update(file, add)
    click.echo(secret)


@token.command(name="list")
@stack_option
@_with_file
def list_tokens(file: Path) -> None:
    """List the name, role, sites and source of each token."""
    for source, tokens in (
        (str(file), token_file.read(file)),
        ("MOSTREAD_COLLECTOR_TOKENS", parse_tokens(CollectorSettings().collector_tokens)),
    ):
        for known in tokens:
            sites = ", ".join(sorted(known.sites)) or "all sites"
            click.echo(f"{known.name}\t{known.role}\t{sites}\t{source}")


@token.command()
@stack_option
@click.argument("name")
@_with_file
def revoke(name: str, file: Path) -> None:
    """Revoke a token; requests with it are answered 401."""

    def remove(tokens: Tokens) -> list[Token]:
        remaining = [existing for existing in tokens if existing.name != name]
        if len(remaining) == len(tokens):
            names = ", ".join(existing.name for existing in tokens) or "none"
            raise Misconfigured(f"{file} has no token {name!r}; it has {names}")
        return remaining

    token_file.update(file, remove)
