"""Options and parameter types that several commands share."""

import os
import re
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import click

from mostread.core.bots import parse_patterns
from mostread.devstack.data_dir import DataDir
from mostread.errors import KafkaUnavailable, Misconfigured, Unavailable
from mostread.infra.clickhouse.config import ClickHouseSettings
from mostread.infra.clock import now_ms
from mostread.infra.kafka.config import KafkaSettings
from mostread.infra.settings import url_variable
from mostread.ops.backup.retention import parse_rules

Command = TypeVar("Command", bound=Callable[..., Any])

DATA_DIR = Path(".mostread")
_KAFKA = "MOSTREAD_KAFKA_BROKERS"
_CLICKHOUSE = "MOSTREAD_CLICKHOUSE_URL"
_SUFFIX = "_FILE"
_CONTEXT_KEY = "mostread.stack"


def stack_option(command: Command) -> Command:
    """Add --data, which finds a running stack.

    The command does not receive the value. The stack's settings are added to the environment
    before other options are read, since these may take their defaults from it. Variables that are
    set already win.
    """
    return click.option(
        "--data",
        type=click.Path(file_okay=False, path_type=Path),
        default=DATA_DIR,
        show_default=True,
        is_eager=True,
        expose_value=False,
        callback=_find_stack,
        help="Data directory of a running `mostread up` or `demo`, whose settings are used "
        "unless the environment has others.",
    )(command)


def service_option(service: str) -> Callable[[Command], Command]:
    """Add an option with the URLs of a service; use it together with `stack_option`."""
    return click.option(
        f"--{service}",
        multiple=True,
        metavar="URL",
        envvar=url_variable(service),
        show_envvar=True,
        help=f"URL of each {service} process; repeatable.",
    )


def _find_stack(context: click.Context, _: click.Parameter, path: Path) -> None:
    try:
        settings = DataDir(path).read_env()
    except FileNotFoundError:  # the working directory was deleted
        settings = None
    used = settings is not None and adopt(settings, os.environ)
    context.meta[_CONTEXT_KEY] = (path, settings, used)


def adopt(settings: Mapping[str, str], environment: MutableMapping[str, str]) -> bool:
    """Add a stack's settings to the environment, whose own variables win.

    Adds nothing and returns False where the environment names another Kafka or ClickHouse: half
    of each system would give no meaningful answer.
    """
    for name in (_KAFKA, _CLICKHOUSE):
        if environment.get(name, settings[name]) != settings[name]:
            return False
    given = {name for name, value in environment.items() if value}
    for name, value in settings.items():
        # A secret may be set by its value or by its file, and not by both.
        other = name.removesuffix(_SUFFIX) if name.endswith(_SUFFIX) else name + _SUFFIX
        if other not in given:
            environment.setdefault(name, value)
    return True


def stack_dir() -> Path | None:
    """Return the data directory of the stack whose settings the current command uses."""
    path, _, used = click.get_current_context().meta.get(_CONTEXT_KEY, (None, None, False))
    return Path(path).absolute() if used else None


def stack_hint(context: click.Context) -> str:
    """Return which stack --data found, for the error of an unreachable server."""
    if _CONTEXT_KEY not in context.meta:
        return ""
    path, settings, used = context.meta[_CONTEXT_KEY]
    if settings is None:
        return f"no stack runs in {path}; start one with `mostread up`, or name another with --data"
    where = f"Kafka {settings[_KAFKA]}, ClickHouse {settings[_CLICKHOUSE]}"
    if used:
        return f"a stack runs in {path} ({where}); see its logs in {path}/logs"
    return f"a stack runs in {path} ({where}); unset {_KAFKA} and {_CLICKHOUSE} to use it"


def connection_note(context: click.Context, error: Unavailable) -> str:
    """Return which server a command tried to reach and which stack it could use."""
    hint = stack_hint(context)
    if not hint:
        return ""
    if isinstance(error, KafkaUnavailable):
        return f"tried {KafkaSettings().kafka_brokers}; {hint}"
    return f"tried {ClickHouseSettings().clickhouse_url}; {hint}"


def service_urls(given: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Return the URLs of services by name; several of one service are numbered from 1."""
    urls = {}
    for service, each in given.items():
        for number, url in enumerate(each, start=1):
            if not url.startswith(("http://", "https://")):
                raise Misconfigured(f"--{service} {url} is not a URL; write http://host:port")
            urls[service if len(each) == 1 else f"{service}-{number}"] = url.rstrip("/")
    return urls


class NameParam(click.ParamType):
    """A name of up to 64 letters, digits and other characters.

    `also` lists the other characters; the last one must be a hyphen, since it becomes a regular
    expression.
    """

    name = "name"

    def __init__(self, also: str) -> None:
        self._also = also
        self._allowed = re.compile(rf"[A-Za-z0-9{also}]{{1,64}}")

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if not self._allowed.fullmatch(value):
            self.fail(
                f"{value!r} is not a name; use up to 64 of A-Z a-z 0-9 {' '.join(self._also)}",
                param,
                ctx,
            )
        return value


IMPORT = NameParam("._:-")
SITE = NameParam("._-")


_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


class UserAgentPatterns(click.ParamType):
    """Regular expressions for user agents, separated by commas."""

    name = "regex,..."

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        try:
            parse_patterns(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)
        return value


class BackupRules(click.ParamType):
    """Numbers of backups by period, as in daily=7,weekly=4; the value is a dict."""

    name = "rules"

    def convert(
        self, value: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> dict[str, int]:
        try:
            return parse_rules(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class TimeParam(click.ParamType):
    """An ISO 8601 time (UTC by default), or an age: 90s, 30m, 24h, 7d.

    The value is in milliseconds since the epoch.
    """

    name = "when"

    def convert(
        self, value: str | int, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        if isinstance(value, int):
            return value
        if age := re.fullmatch(r"(\d{1,9})([smhd])", value):
            return max(0, now_ms() - int(age[1]) * _UNITS[age[2]] * 1000)
        try:
            time = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is not a time; write 2026-01-31T12:00 or 24h", param, ctx)
        return int((time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp() * 1000)
