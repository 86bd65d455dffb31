"""`mostread token`."""

import re
import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import click

from mostread.cli.params import stack_option
from mostread.collector.config import CollectorSettings
from mostread.errors import Misconfigured, NameTaken
from mostread.infra.auth import token_file
from mostread.infra.auth.token_file import Tokens
from mostread.infra.auth.tokens import (
    Role,
    Token,
    current_tokens,
    format_expiry,
    hash_token,
    parse_expiry,
    parse_tokens,
    rotate,
)
from mostread.infra.clock import now_ms

Command = TypeVar("Command", bound=Callable[..., Any])

_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
_DURATION = re.compile(r"(\d{1,5})([dhm])", re.ASCII)
_UNITS = {"d": "days", "h": "hours", "m": "minutes"}
NEVER = "never"


class Duration(click.ParamType):
    """A duration such as 90d, 24h or 30m."""

    name = "duration"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> timedelta:
        """Return the duration."""
        match = _DURATION.fullmatch(value)
        if match is None:
            self.fail(f"{value!r} is not a duration; write it as 90d, 24h or 30m", param, ctx)
        return timedelta(**{_UNITS[match[2]]: int(match[1])})


class Expiry(click.ParamType):
    """A time in the future, a duration from now, or `never`, which stays a string."""

    name = "expiry"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime | str:
        """Return the time."""
        if value == NEVER:
            return NEVER
        now = datetime.now(UTC).replace(microsecond=0)
        if _DURATION.fullmatch(value):
            expires = now + Duration().convert(value, param, ctx)
        else:
            try:
                expires = parse_expiry(value)
            except ValueError:
                self.fail(
                    f"{value!r} is not an expiry; write 90d, 24h, 2027-01-31, "
                    "2027-01-31T12:00:00Z or never",
                    param,
                    ctx,
                )
        if expires <= now:
            self.fail(f"{value} has passed; choose a time in the future", param, ctx)
        return expires


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
    """Create, list, rotate and revoke bearer tokens.

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
@click.option(
    "--expires",
    type=Expiry(),
    default=NEVER,
    show_default=True,
    help="When it expires: 90d, 24h, 2027-01-31 (UTC), 2027-01-31T12:00:00Z or never.",
)
@_with_file
def create(
    name: str, role: str, sites: tuple[str, ...], expires: datetime | str, file: Path
) -> None:
    """Create a token and print it once; only its hash is stored."""
    if not _NAME.fullmatch(name):
        raise click.UsageError(f"{name!r} is not a name; use 1 to 64 of A-Z a-z 0-9 . _ -")
    for site in sites:
        if not _NAME.fullmatch(site):
            raise click.UsageError(f"{site!r} is not a site; use 1 to 64 of A-Z a-z 0-9 . _ -")
    secret = secrets.token_urlsafe(32)
    new = Token(name, Role(role), hash_token(secret), frozenset(sites), _time(expires))

    def add(tokens: Tokens) -> Tokens:
        if any(existing.name == name for existing in tokens):
            raise NameTaken(
                f"{file} has a token {name!r} already; rotate or revoke it, or choose another name"
            )
        return (*tokens, new)

    token_file.update(file, add)
    click.echo(secret)


@token.command(name="rotate")
@stack_option
@click.argument("name")
@click.option(
    "--overlap",
    type=Duration(),
    default="24h",
    show_default=True,
    help="How long the old token stays valid, with the sessions and links made with it.",
)
@click.option(
    "--expires",
    type=Expiry(),
    help="When the new token expires, as for create. Required if the old one expires.",
)
@_with_file
def rotate_token(name: str, overlap: timedelta, expires: datetime | str | None, file: Path) -> None:
    """Replace a token by one with the same name, role and sites; print it once."""
    secret = secrets.token_urlsafe(32)

    def change(tokens: Tokens) -> list[Token]:
        known = [token for token in current_tokens(tokens) if token.name == name]
        if not known:
            raise _unknown(file, name, tokens)
        [old] = known
        if expires is None and old.expires is not None:
            raise click.UsageError(
                f"the token {name!r} has an expiry, {format_expiry(old.expires)}; give --expires "
                "for the new one, for example 90d"
            )
        new = replace(old, digest=hash_token(secret), expires=_time(expires or NEVER))
        return rotate(tokens, new, now=datetime.now(UTC), overlap=overlap)

    token_file.update(file, change)
    click.echo(secret)


@token.command(name="list")
@stack_option
@_with_file
def list_tokens(file: Path) -> None:
    """List the name, role, sites, expiry and source of each token."""
    now = now_ms()
    for source, tokens in (
        (str(file), token_file.read(file)),
        ("MOSTREAD_COLLECTOR_TOKENS", parse_tokens(CollectorSettings().collector_tokens)),
    ):
        for known in tokens:
            sites = ", ".join(sorted(known.sites)) or "all sites"
            expiry = "no expiry"
            if known.expires is not None:
                verb = "expired" if known.has_expired(now) else "expires"
                expiry = f"{verb} {format_expiry(known.expires)}"
            click.echo(f"{known.name}\t{known.role}\t{sites}\t{expiry}\t{source}")


@token.command()
@stack_option
@click.argument("name")
@_with_file
def revoke(name: str, file: Path) -> None:
    """Revoke a token, and those it replaces; requests with them are answered 401."""

    def remove(tokens: Tokens) -> list[Token]:
        remaining = [existing for existing in tokens if existing.name != name]
        if len(remaining) == len(tokens):
            raise _unknown(file, name, tokens)
        return remaining

    token_file.update(file, remove)


def _unknown(file: Path, name: str, tokens: Tokens) -> Misconfigured:
    names = ", ".join(existing.name for existing in current_tokens(tokens)) or "none"
    return Misconfigured(f"{file} has no token {name!r}; it has {names}")


def _time(expires: datetime | str) -> datetime | None:
    return expires if isinstance(expires, datetime) else None
