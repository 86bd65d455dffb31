"""`mostread status`."""

import logging
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import click
import orjson

from mostread.cli.params import addresses, find_stack, way_options
from mostread.ops import terminal
from mostread.ops.inspection.clients import Way
from mostread.ops.status.collect import Away, Seen, as_json, look
from mostread.ops.status.render import blocks, lines

BETWEEN_LOOKS = 1.0


@click.command()
@way_options("collector", "ranking")
@click.option("--site", default="default", show_default=True, help="Whose list is shown.")
@click.option("--window", default="24h", show_default=True, help="Of which window.")
@click.option("--watch", is_flag=True, help="Look again and again, until Ctrl-C.")
@click.option(
    "--every",
    type=click.FloatRange(0.5, 3600),
    default=2,
    show_default=True,
    help="Seconds between two looks of --watch.",
)
@click.option(
    "--seconds",
    type=click.FloatRange(1, 600),
    default=8,
    show_default=True,
    help="How long one look may take; what has not answered by then is away.",
)
@click.option("--json", "in_json", is_flag=True, help="For machines; with --watch a line a look.")
def status(
    *,
    data: Path,
    site: str,
    window: str,
    every: float,
    seconds: float,
    watch: bool,
    in_json: bool,
    **services: tuple[str, ...],
) -> None:
    """Show the way of an event at a glance: collectors, Kafka, aggregators, ClickHouse, list.

    Rates are those between two looks, one second apart. Ends with exit code 1 where a part is
    away.
    """
    logging.disable(logging.CRITICAL)  # what is away is seen, and need not be logged too

    def seen() -> Seen:
        stack = find_stack(data)  # each time: it may end and begin anew meanwhile
        way = Way(services=addresses(stack, services), seconds=seconds * 0.8)
        try:
            return look(way, site, window, seconds)
        finally:
            way.close()

    try:
        before = seen()
        time.sleep(BETWEEN_LOOKS)
        now = seen()
        _show(now, before, in_json=in_json, afresh=watch)
        while watch:
            time.sleep(every)
            before, now = now, seen()
            _show(now, before, in_json=in_json, afresh=True)
    except KeyboardInterrupt:
        return
    if any(isinstance(part, Away) for part in now.parts):
        sys.exit(1)


def _show(now: Seen, before: Seen, *, in_json: bool, afresh: bool) -> None:
    if in_json:
        click.echo(orjson.dumps(as_json(now, before), option=orjson.OPT_NON_STR_KEYS))
        return
    text = [f"mostread, {datetime.fromtimestamp(now.at / 1000, UTC):%H:%M:%S} UTC", ""]
    for left, state, colour, rest in lines(list(blocks(now, before)), terminal.width()):
        text.append(left + (click.style(state, fg=colour) if state else "") + rest)
    if afresh and sys.stdout.isatty():
        click.clear()
    click.echo("\n".join((*text, "")) if afresh else "\n".join(text), color=terminal.colours())
