"""`make chaos SECONDS=600 SEED=n`: faults by chance under traffic, and the verdict."""

import random
import sys
import tempfile
from pathlib import Path

import click

from tests.faults.chaos import chaos, plan
from tests.faults.peer import peer


@click.command()
@click.option("--seconds", default=120.0, show_default=True, help="How long faults go on.")
@click.option("--seed", type=int, help="The schedule's; by chance where none is given.")
@click.option("--peer", "is_peer", is_flag=True, help="Play it on the usual Faust program instead.")
@click.option(
    "--keep", type=click.Path(path_type=Path), help="An empty folder for data and logs, left there."
)
def main(seconds: float, seed: int | None, is_peer: bool, keep: Path | None) -> None:
    """Play a schedule of faults; exit 1 if any counter differs from what was acknowledged."""
    seed = random.SystemRandom().randrange(1_000_000) if seed is None else seed
    planned = plan(seed, seconds)
    click.echo(f"Schedule of seed {seed}, {seconds:g} s:")
    for each in planned:
        click.echo(f"  {each}")
    with tempfile.TemporaryDirectory() as temporary:
        directory = keep or Path(temporary)
        if is_peer:
            click.echo(peer(directory, planned, seed=seed, report=click.echo))
            return
        found = chaos(directory, planned, seed=seed, report=click.echo)
    for difference in found[:200]:
        click.echo(difference)
    click.echo(f"Verdict of seed {seed}: {len(found)} differences")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
