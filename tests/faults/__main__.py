"""`make chaos SECONDS=600 SEED=n`: random faults under traffic, and the verdict."""

import random
import sys
import tempfile
from pathlib import Path

import click

from tests.faults.chaos import FAULTS, chaos, faults, plan
from tests.faults.peers import programs, run


@click.command()
@click.option("--seconds", default=120.0, show_default=True, help="Duration of the schedule.")
@click.option("--seed", type=int, help="Seed of the schedule; random by default.")
@click.option("--brokers", type=click.Choice(["1", "3"]), default="1", help="Brokers of Kafka.")
@click.option(
    "--peer",
    type=click.Choice(list(programs.ALL)),
    help="Run the schedule on the usual program of another library instead.",
)
@click.option(
    "--transport",
    type=click.Choice(["fast", "stock"]),
    default="fast",
    show_default=True,
    help="How the workers read from Kafka.",
)
@click.option(
    "--keep",
    type=click.Path(path_type=Path),
    help="Empty directory in which to keep data and logs.",
)
def main(
    *,
    seconds: float,
    seed: int | None,
    brokers: str,
    peer: str | None,
    transport: str,
    keep: Path | None,
) -> None:
    """Play a schedule of faults; exit 1 if any counter differs from what was acknowledged."""
    seed = random.SystemRandom().randrange(1_000_000) if seed is None else seed
    run_name = f"seed {seed}, {seconds:g} s, brokers {brokers}, transport {transport}"
    planned = plan(seed, seconds, FAULTS if peer else faults(int(brokers)))
    click.echo(f"Schedule of {run_name}:")
    for each in planned:
        click.echo(f"  {each}")
    with tempfile.TemporaryDirectory() as temporary:
        directory = keep or Path(temporary)
        if peer is not None:
            loss = run.run(programs.ALL[peer], directory, planned, seed=seed, report=click.echo)
            click.echo(f"Verdict of seed {seed}, {peer}: {loss}")
            return
        differences = chaos(
            directory,
            planned,
            seed=seed,
            report=click.echo,
            transport=transport,
            brokers=int(brokers),
        )
    for difference in differences[:200]:
        click.echo(difference)
    click.echo(f"Verdict of {run_name}: {len(planned)} faults, {len(differences)} differences")
    sys.exit(bool(differences))


if __name__ == "__main__":
    main()
