"""`mostread rebuild`."""

import asyncio
import functools
from contextlib import closing

import click

from mostread.aggregator.config import AggregatorSettings
from mostread.aggregator.forgetter import Forgetter
from mostread.aggregator.repository import CounterRepository, Epoch
from mostread.aggregator.stream.event_topic import EventTopic
from mostread.cli.params import stack_option
from mostread.core.exclusions import PENDING, in_effect
from mostread.infra.clickhouse.client import connect
from mostread.infra.clock import now_ms
from mostread.infra.gc import collect_periodically
from mostread.ops.rebuild.recounter import Forgetters, Recounter
from mostread.ops.rebuild.retained_log import RetainedLog
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
    run_rebuild(AggregatorSettings(), discard=discard)


def run_rebuild(settings: AggregatorSettings, *, discard: bool = False) -> bool:
    """Rebuild the tables and return True, or only finish the exchange of an earlier rebuild."""
    with closing(RebuildTables(settings)) as tables:
        if tables.finish():
            click.echo("finished the exchange of an interrupted rebuild")
            return False
        if discard:
            tables.drop()
        asyncio.run(_rebuild(settings, tables))
    return True


async def _rebuild(settings: AggregatorSettings, tables: RebuildTables) -> None:
    log = EventTopic(settings)
    current = CounterRepository(functools.partial(connect, settings))
    staging = CounterRepository(functools.partial(connect, staging_settings(settings)))
    garbage_collection = asyncio.create_task(collect_periodically())
    try:
        topic = await log.describe()
        rows = await asyncio.to_thread(lambda: current.checkpoints(current.current_epoch(topic)))
        number = await asyncio.to_thread(tables.create)
        entries = await asyncio.to_thread(tables.exclusions)
        epoch = Epoch(topic, number, in_effect(entries, PENDING))
        checkpoints = {number: row.checkpoint for number, row in rows.items()}
        skipped = {
            number: await asyncio.to_thread(current.skipped, topic.id, number)
            for number in range(topic.partitions)
        }
        retained = RetainedLog(
            log, topic.partitions, skipped, batch_bytes=settings.aggregator_max_buffered_bytes
        )
        recounter = Recounter(
            settings,
            retained,
            staging,
            epoch,
            checkpoints,
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
        if kept_until:
            await recounter.revise(in_effect(entries, number - 1), lambda _: None)
        await _catch_up(recounter)
        await asyncio.to_thread(tables.delete_zeros, epoch, recounter.forgets)
        await asyncio.to_thread(tables.apply, entries, number, now_ms())
        await asyncio.to_thread(tables.exchange)
        await asyncio.to_thread(tables.drop)
    finally:
        garbage_collection.cancel()
        await log.close()
        current.close()
        staging.close()
    click.echo(f"rebuilt: the tables in use have epoch {epoch.number}")
    if epoch.exclusions:
        click.echo(f"exclusions in effect: {len(epoch.exclusions)}")


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
