"""`mostread dead-letters list` and `replay`."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, nullcontext
from datetime import UTC, datetime
from itertools import islice
from typing import BinaryIO

import click

from mostread.cli.params import Moment
from mostread.core.dead_letters import Letter, encode
from mostread.core.events import Event
from mostread.core.events import encode as encode_event
from mostread.errors import InvalidEvent
from mostread.infra.kafka.config import KafkaSettings
from mostread.ops.dead_letters.replay import Replay, Sender, replay_box, replay_file
from mostread.ops.dead_letters.topic import Kept, LetterBox

_START = 100


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
    found = _distinct(LetterBox(KafkaSettings()), since, reason.casefold())
    for kept, letter in islice(found, limit):
        click.echo(encode(letter) if as_json else _line(kept, letter))


def _distinct(box: LetterBox, since: int | None, reason: str) -> Iterator[tuple[Kept, Letter]]:
    """Yield the letters; one that was written twice, once."""
    seen: set[str] = set()
    for portion in box.letters(since):
        for kept in portion:
            letter = kept.letter
            if isinstance(letter, InvalidEvent):
                click.echo(f"mostread: at offset {kept.offset} of the topic: {letter}", err=True)
            elif letter.place not in seen and reason in letter.reason.casefold():
                seen.add(letter.place)
                yield kept, letter


def _line(kept: Kept, letter: Letter) -> str:
    time = kept.time if letter.timestamp is None else letter.timestamp
    moment = datetime.fromtimestamp(time / 1000, UTC)
    start = letter.raw[:_START].decode(errors="backslashreplace")
    # What a terminal would obey is shown, not obeyed.
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in start)
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}  {letter.place}  {letter.reason}\n    {shown}"


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
    sender = None if dry_run else Sender(settings)
    replay = Replay(
        settings.events_topic,
        send=sender.send if sender else _show,
        tell=lambda sentence: click.echo(f"mostread: {sentence}", err=True),
    )
    with closing(sender) if sender else nullcontext():
        if file is None:
            replay_box(LetterBox(settings), replay, sender)
        else:
            replay_file(file, replay)
    _conclude(replay, dry_run=dry_run)


def _show(events: Sequence[Event]) -> None:
    for event in events:
        click.echo(encode_event(event))


def _conclude(replay: Replay, *, dry_run: bool) -> None:
    would = "to send" if dry_run else "sent"
    click.echo(f"{replay.sent:,} {would}, {replay.wrong:,} no events still", err=True)
    if replay.of_other_topics:
        click.echo(
            f"{replay.of_other_topics:,} not of the events topic: let the CMS send its articles "
            "again",
            err=True,
        )
    if replay.wrong:
        sys.exit(1)
