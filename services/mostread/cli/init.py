"""`mostread init`."""

import click

from mostread.cli.params import stack_option
from mostread.ops.bootstrap import InitSettings, bootstrap


@click.command()
@stack_option
def init() -> None:
    """Create missing topics and tables; idempotent."""
    created = bootstrap(InitSettings())
    for name in created.topics:
        click.echo(f"created topic {name}")
    for name in created.migrations:
        click.echo(f"applied migration {name}")
    if not any(created):
        click.echo("nothing to do: all topics and tables exist")
