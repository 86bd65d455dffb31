"""`mostread dead-letters list` and `replay`."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, nullcontext
from datetime import UTC, datetime
from itertools import islice
from typing import BinaryIO

import click

from mostread.cli.params import Moment
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
    """What could not be counted: look at it, and send it again."""


@dead_letters.command("list")
@click.option("--since", type=Moment(), help="Only what was put there since: a time, or 24h.")
@click.option("--reason", default="", help="Only those whose reason holds this text.")
@click.option("--limit", type=click.IntRange(1), help="At most so many, the oldest first.")
@click.option("--json", "as_json", is_flag=True, help="NDJSON with all of it, made to be edited.")
def list_letters(since: int | None, reason: str, limit: int | None, *, as_json: bool) -> None:
    """Show when each line came, where it stood, why it is no event, and how it begins."""
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
    return f"{time:%Y-%m-%dT%H:%M:%SZ}  {letter.position}  {letter.reason}\n    {printable}"


@dead_letters.command()
@click.argument("file", type=click.File("rb"), required=False)
@click.option("--dry-run", is_flag=True, help="Show the events that would be sent.")
def replay(file: BinaryIO | None, *, dry_run: bool) -> None:
    """Send lines again that are events by now, each once.

    Without FILE: every letter that was not replayed yet. With FILE (- for stdin): the lines
    of `list --json`, as you mended them. Ends with exit code 1 where some are no events still;
    each is named, and the others are sent.
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
