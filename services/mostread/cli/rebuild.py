"""`mostread rebuild`."""

import asyncio
import functools

import click

from mostread.aggregator.config import AggregatorSettings
from mostread.aggregator.forgetter import Forgetter
from mostread.aggregator.repository import CounterRepository, Epoch
from mostread.aggregator.stream.event_topic import EventTopic
from mostread.cli.params import stack_option
from mostread.infra.clickhouse.client import connect
from mostread.infra.gc import collect_periodically
from mostread.ops.rebuild.recounter import Forgetters, Recounter
from mostread.ops.rebuild.tables import RebuildTables, staging_settings

MAX_LAG_AT_EXCHANGE = 2_000
"""Records that are counted in about the time of the exchange."""
MAX_ROUNDS = 20


@click.command()
@stack_option
@click.option("--discard", is_flag=True, help="Discard the tables of an interrupted rebuild.")
def rebuild(discard: bool) -> None:
    """Recount all events into new tables.

    The new tables then replace the old ones. Safe to run under traffic. Windows and totals whose
    events Kafka has partly deleted are copied unchanged.
    """
    settings = AggregatorSettings()
    tables = RebuildTables(settings)
    try:
        if tables.finish():
            click.echo("finished the exchange of an interrupted rebuild")
            return
        if discard:
            tables.drop()
        asyncio.run(_rebuild(settings, tables))
    finally:
        tables.close()


async def _rebuild(settings: AggregatorSettings, tables: RebuildTables) -> None:
    log = EventTopic(settings)
    current = CounterRepository(functools.partial(connect, settings))
    staging = CounterRepository(functools.partial(connect, staging_settings(settings)))
    garbage_collection = asyncio.create_task(collect_periodically())
    try:
        topic = await log.describe()
        rows = await asyncio.to_thread(lambda: current.checkpoints(current.current_epoch(topic)))
        epoch = Epoch(topic, await asyncio.to_thread(tables.create))
        checkpoints = {number: row.checkpoint for number, row in rows.items()}
        skipped = {
            number: await asyncio.to_thread(current.skipped, topic.id, number)
            for number in range(topic.partitions)
        }
        recounter = Recounter(
            settings,
            log,
            staging,
            epoch,
            checkpoints,
            skipped=skipped,
            forgetters=Forgetters(
                Forgetter(functools.partial(connect, staging_settings(settings))),
                Forgetter(functools.partial(connect, settings)),
            ),
        )
        kept_until = await recounter.start()
        await asyncio.to_thread(tables.copy, epoch, kept_until)
        for partition in kept_until:
            click.echo(
                f"partition {partition}: the log lacks its first records; their counters are kept, "
                "and only later windows are recounted"
            )
        await _catch_up(recounter)
        await asyncio.to_thread(tables.delete_zeros, epoch, recounter.forgets)
        await asyncio.to_thread(tables.exchange)
        await asyncio.to_thread(tables.drop)
    finally:
        garbage_collection.cancel()
        await log.close()
        current.close()
        staging.close()
    click.echo(f"rebuilt: the tables in use have epoch {epoch.number}")


async def _catch_up(recounter: Recounter) -> None:
    """Count until the lag is small enough for the exchange not to delay lists."""
    total = 0
    for _ in range(MAX_ROUNDS):
        lag = await recounter.lag()
        with click.progressbar(length=lag, label="counting") as bar:
            await recounter.catch_up(bar.update)
        total += lag
        if lag <= MAX_LAG_AT_EXCHANGE:
            break
    click.echo(f"counted {total:,} records")
