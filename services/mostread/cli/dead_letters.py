"""`mostread dead-letters list` and `replay`."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, nullcontext
from datetime import UTC, datetime
from itertools import islice
from typing import BinaryIO

import click

from mostread.cli.params import TimeParam, stack_option
from mostread.core.dead_letters import DeadLetter, encode
from mostread.core.events import Event
from mostread.core.events import encode as encode_event
from mostread.errors import InvalidEvent
from mostread.infra.kafka.config import KafkaSettings
from mostread.ops.dead_letters.replay import (
    DeadLetterReplay,
    ReplayProducer,
    replay_file,
    replay_topic,
)
from mostread.ops.dead_letters.topic import DeadLetterTopic, StoredDeadLetter

_EXCERPT_LENGTH = 100


@click.group("dead-letters")
def dead_letters() -> None:
    """List and replay events that were not counted."""


@dead_letters.command("list")
@stack_option
@click.option(
    "--since",
    type=TimeParam(),
    help="Only letters since a time or an age (24h).",
)
@click.option("--reason", default="", help="Only letters whose reason contains this text.")
@click.option("--limit", type=click.IntRange(1), help="Maximum number, oldest first.")
@click.option("--json", "as_json", is_flag=True, help="Print complete letters as NDJSON.")
def list_letters(since: int | None, reason: str, limit: int | None, *, as_json: bool) -> None:
    """Show the time, position, reason and first bytes of each dead letter."""
    letters = _distinct(DeadLetterTopic(KafkaSettings()), since, reason.casefold())
    for stored, letter in islice(letters, limit):
        click.echo(encode(letter) if as_json else _format(stored, letter))


def _distinct(
    topic: DeadLetterTopic, since: int | None, reason: str
) -> Iterator[tuple[StoredDeadLetter, DeadLetter]]:
    """Yield each dead letter once, also where it was written twice."""
    positions: set[str] = set()
    for batch in topic.read(since):
        for stored in batch:
            letter = stored.letter
            if isinstance(letter, InvalidEvent):
                click.echo(f"mostread: at offset {stored.offset} of the topic: {letter}", err=True)
            elif letter.position not in positions and reason in letter.reason.casefold():
                positions.add(letter.position)
                yield stored, letter


def _format(stored: StoredDeadLetter, letter: DeadLetter) -> str:
    timestamp = stored.timestamp if letter.timestamp is None else letter.timestamp
    time = datetime.fromtimestamp(timestamp / 1000, UTC)
    excerpt = letter.raw[:_EXCERPT_LENGTH].decode(errors="backslashreplace")
    # Escape control characters, so that the terminal does not interpret them.
    printable = "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode() for c in excerpt
    )
    reason = letter.reason
    if letter.length is not None:
        reason += f" (holds {len(letter.raw):,} of {letter.length:,} bytes)"
    return f"{time:%Y-%m-%dT%H:%M:%SZ}  {letter.position}  {reason}\n    {printable}"


@dead_letters.command()
@stack_option
@click.argument("file", type=click.File("rb"), required=False)
@click.option("--dry-run", is_flag=True, help="Print the events instead of sending them.")
def replay(file: BinaryIO | None, *, dry_run: bool) -> None:
    """Replay dead letters that are valid events now, each once.

    Without FILE, all letters that were not replayed yet. With FILE (- for stdin), the edited
    output of `list --json`. Exits with code 1 if some are still invalid; these are listed, and
    the others are sent.
    """
    settings = KafkaSettings()
    producer = None if dry_run else ReplayProducer(settings)
    replay = DeadLetterReplay(
        settings.events_topic,
        send=producer.send if producer else _print_events,
        report=lambda message: click.echo(f"mostread: {message}", err=True),
    )
    with closing(producer) if producer else nullcontext():
        if file is None:
            replay_topic(DeadLetterTopic(settings), replay, producer)
        else:
            replay_file(file, replay)
    _conclude(replay, dry_run=dry_run)


def _print_events(events: Sequence[Event]) -> None:
    for event in events:
        click.echo(encode_event(event))


def _conclude(replay: DeadLetterReplay, *, dry_run: bool) -> None:
    verb = "to send" if dry_run else "sent"
    click.echo(f"{replay.sent:,} {verb}, {replay.invalid:,} still invalid", err=True)
    if replay.other_topics:
        click.echo(
            f"{replay.other_topics:,} of another topic than events; publish these articles from "
            "the CMS again",
            err=True,
        )
    if replay.invalid:
        sys.exit(1)
