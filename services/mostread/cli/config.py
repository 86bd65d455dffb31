"""`mostread config`."""

import click

from mostread.ops.effective_settings import effective, unknown_variables


@click.command()
def config() -> None:
    """Print all settings; secrets are masked."""
    for setting in effective():
        click.echo(f"# {', '.join(setting.services)}: {setting.description}")
        if setting.file:
            click.echo(f"# read from {setting.file}")
        click.echo(f"{setting.name}={setting.value}\n")
    for error in unknown_variables():
        click.echo(f"mostread: {error}", err=True)
