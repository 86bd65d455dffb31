"""`mostread rebuild`."""

import asyncio
import functools

import click

from mostread.aggregator.config import AggregatorSettings
from mostread.aggregator.repository import CounterRepository, Epoch
from mostread.aggregator.stream.event_topic import EventTopic
from mostread.cli.params import stack_option
from mostread.infra.clickhouse.client import connect
from mostread.infra.gc import collect_periodically
from mostread.ops.rebuild.recounter import Recount
from mostread.ops.rebuild.tables import RebuildTables, staging_settings

FEW_RECORDS = 2_000
"""So few are counted in the moment that the exchange takes."""
MOST_ROUNDS = 20


@click.command()
@stack_option
@click.option("--discard", is_flag=True, help="Discard the tables of an interrupted rebuild.")
def rebuild(discard: bool) -> None:
    """Recount all events into new tables, then exchange them with the old ones.

    Safe to run under traffic. Windows and totals whose events Kafka has partly deleted are
    copied unchanged.
    """
    settings = AggregatorSettings()
    tables = RebuildTables(settings)
    try:
        if tables.finish():
            click.echo("finished the exchange of a rebuild that was cut off")
            return
        if discard:
            tables.drop()
        asyncio.run(_rebuild(settings, tables))
    finally:
        tables.close()


async def _rebuild(settings: AggregatorSettings, tables: RebuildTables) -> None:
    log = EventTopic(settings)
    old = CounterRepository(functools.partial(connect, settings))
    new = CounterRepository(functools.partial(connect, staging_settings(settings)))
    tidying = asyncio.create_task(collect_periodically())
    try:
        topic = await log.describe()
        checkpoints = await asyncio.to_thread(lambda: old.checkpoints(old.current_epoch(topic)))
        epoch = Epoch(topic, await asyncio.to_thread(tables.create))
        recount = Recount(settings, log, new, epoch, checkpoints)
        kept_until = await recount.begin()
        await asyncio.to_thread(tables.copy, epoch, kept_until)
        for partition in kept_until:
            click.echo(
                f"partition {partition}: the log lacks its first records; their counters are kept, "
                "and only later windows are recounted"
            )
        await _count(recount)
        await asyncio.to_thread(tables.exchange)
        await asyncio.to_thread(tables.drop)
    finally:
        tidying.cancel()
        await log.close()
        old.close()
        new.close()
    click.echo(f"rebuilt: the tables in use are now those of epoch {epoch.number}")


async def _count(recount: Recount) -> None:
    """Count until so little is left that the list will hardly stand still."""
    total = 0
    for _ in range(MOST_ROUNDS):
        left = await recount.left()
        with click.progressbar(length=left, label="counting") as bar:
            await recount.catch_up(bar.update)
        total += left
        if left <= FEW_RECORDS:
            break
    click.echo(f"counted {total:,} records")
