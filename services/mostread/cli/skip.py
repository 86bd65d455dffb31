"""`mostread skip`."""

import asyncio
import functools
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime

import click

from mostread.aggregator.config import AggregatorSettings
from mostread.aggregator.repository import CounterRepository
from mostread.aggregator.stream.event_topic import EventTopic
from mostread.cli.params import stack_option
from mostread.errors import Misconfigured
from mostread.infra.clickhouse.client import connect
from mostread.ops.skip import Skipper, SkipProposal


@click.command()
@stack_option
@click.argument("topic", required=False)
@click.argument("partition", type=click.IntRange(0), required=False)
@click.argument("offset", type=click.IntRange(0), required=False)
@click.option(
    "--to",
    "last",
    metavar="LAST",
    type=click.IntRange(0),
    help="Last offset to skip; by default that of the batch with OFFSET.",
)
@click.option("--reason", default="", help="Reason to record instead of the reader's error.")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@click.option("--list", "show", is_flag=True, help="List all skipped ranges.")
def skip(
    topic: str | None,
    partition: int | None,
    offset: int | None,
    last: int | None,
    reason: str,
    *,
    yes: bool,
    show: bool,
) -> None:
    """Skip a batch that cannot be read, so that its partition continues.

    TOPIC is that of events or articles, PARTITION and OFFSET those of the log line
    `partition_stopped`. The records of the batch are lost. Workers, `mostread audit` and `mostread
    rebuild` pass the offsets from then on. The command refuses to skip what can be read.
    """
    settings = AggregatorSettings()
    if show:
        if topic is not None:
            raise click.UsageError("give either --list or TOPIC PARTITION OFFSET")
        asyncio.run(_list(settings))
    elif topic is None or partition is None or offset is None:
        raise click.UsageError("give TOPIC PARTITION OFFSET, or --list")
    elif topic not in _topics(settings):
        raise Misconfigured(
            f"no worker reads the topic {topic}; give {' or '.join(_topics(settings))}. For dead "
            "letters behind the batch, use `mostread dead-letters list --since`"
        )
    elif last is not None and last < offset:
        raise click.UsageError(f"--to {last} is before OFFSET {offset}")
    else:
        asyncio.run(_skip(settings, topic, partition, offset, last=last, reason=reason, yes=yes))


def _topics(settings: AggregatorSettings) -> tuple[str, str]:
    return settings.events_topic, settings.articles_topic


async def _skip(
    settings: AggregatorSettings,
    topic: str,
    partition: int,
    offset: int,
    *,
    last: int | None,
    reason: str,
    yes: bool,
) -> None:
    log = EventTopic(settings, topic)
    try:
        with _repository(settings) as repository:
            skipper = Skipper(log, repository)
            proposal = await skipper.propose(partition, offset, last, reason)
            for line in _describe(proposal):
                click.echo(line)
            if not yes:
                click.confirm("Skip them?", abort=True)
            await skipper.record(proposal)
    finally:
        await log.close()
    click.echo(f"recorded; the worker of partition {partition} continues within seconds")
    if proposal.following is not None:
        click.echo(f"and stops again: {proposal.following}")


def _describe(proposal: SkipProposal) -> Iterator[str]:
    skipped = proposal.skipped
    yield (
        f"{proposal.topic.name}/{skipped.partition}: offsets {skipped.first_offset} to "
        f"{skipped.next_offset - 1} cannot be read ({skipped.reason})"
    )
    if lost := skipped.next_offset - skipped.first_offset - proposal.counted:
        yield f"to be lost: the events of at most {lost:,} records{_period(proposal)}"
    if proposal.counted:
        yield (
            f"{proposal.counted:,} of the offsets are counted and stay so, but a copy of one of "
            "their events, resent now, counts again; audits and rebuilds can only compare and "
            "recount what comes after the range"
        )


def _period(proposal: SkipProposal) -> str:
    times = [
        f"{word} {datetime.fromtimestamp(time / 1000, UTC):%Y-%m-%dT%H:%M:%SZ}"
        for word, time in (("after", proposal.time_before), ("before", proposal.time_after))
        if time is not None
    ]
    return f", written {' and '.join(times)}" if times else ""


async def _list(settings: AggregatorSettings) -> None:
    with _repository(settings) as repository:
        for name in _topics(settings):
            log = EventTopic(settings, name)
            try:
                topic = await log.describe()
            finally:
                await log.close()
            for partition in range(topic.partitions):
                for each in repository.skipped(topic.id, partition):
                    time = datetime.fromtimestamp(each.skipped_at / 1000, UTC)
                    click.echo(
                        f"{time:%Y-%m-%dT%H:%M:%SZ}  {name}/{partition}: offsets "
                        f"{each.first_offset} to {each.next_offset - 1}, by the "
                        f"{each.skipped_by} ({each.reason})"
                    )


@contextmanager
def _repository(settings: AggregatorSettings) -> Iterator[CounterRepository]:
    with closing(CounterRepository(functools.partial(connect, settings))) as repository:
        yield repository
