"""`make bench`: compare mostread with its peers on the same events, in one run."""

import tempfile
import textwrap
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

from benchmarks import (
    aggregator_section,
    collector_section,
    day_section,
    figures,
    list_section,
    lookup_section,
    machine,
    page,
    profile_section,
    scaling_section,
    visible_section,
)
from benchmarks.contestant import Servers
from benchmarks.run import Scale, Section
from tests.support.servers import running_clickhouse, running_kafka

SECTIONS: dict[str, Section] = {
    "aggregator": aggregator_section.section,
    "collector": collector_section.section,
    "visible": visible_section.section,
    "lists": list_section.section,
    "lookups": lookup_section.section,
    "scaling": scaling_section.section,
    "profile": profile_section.section,
    "day": day_section.section,
}


@contextmanager
def real_servers() -> Iterator[Servers]:
    """Start Kafka and ClickHouse for one section, so that sections do not affect each other."""
    with (
        tempfile.TemporaryDirectory() as directory,
        running_kafka(Path(directory, "kafka"), jit=True) as kafka,
        running_clickhouse(Path(directory, "clickhouse")) as clickhouse,
    ):
        yield Servers(kafka, clickhouse)


@click.command()
@click.option("--only", multiple=True, type=click.Choice(list(SECTIONS)), help="May be repeated.")
@click.option("--rounds", default=3, show_default=True, help="Measurements of each peer.")
@click.option("--events", default=3_000_000, show_default=True, help="Events in the longest log.")
@click.option("--seconds", default=10.0, show_default=True, help="Seconds for which clients send.")
@click.option("--write", is_flag=True, help="Write tables and figures into docs and plan.")
def bench(*, only: Sequence[str], rounds: int, events: int, seconds: float, write: bool) -> None:
    """Measure everything against its peers and print tables."""
    began = time.monotonic()
    for name in only or SECTIONS:
        with real_servers() as servers:
            results = SECTIONS[name](servers, Scale(rounds, events, seconds))
        run = textwrap.fill(f"{machine.describe()}; {rounds} rounds.", page.WIDTH)
        content = f"{results.tables}\n\n{run}"
        click.echo(f"\n## {name}\n\n{content}\n")
        if write:
            page.write(name, content)
            figures.write(results.figures)
    click.echo(f"{time.monotonic() - began:.0f} s", err=True)


if __name__ == "__main__":
    bench()
