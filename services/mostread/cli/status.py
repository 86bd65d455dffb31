"""`mostread status`."""

import logging
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import click
import orjson

from mostread.cli.params import addresses, find_stack, way_options
from mostread.ops.inspection.clients import SystemClients
from mostread.ops.status.collect import SystemStatus, UnavailablePart, as_json, collect
from mostread.ops.status.render import status_blocks, status_lines
from mostread.ops.terminal import terminal_width, use_colour

RATE_INTERVAL_SECONDS = 1.0


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
    logging.disable(logging.CRITICAL)  # unavailable parts are shown, and need not be logged

    def collect_status() -> SystemStatus:
        stack = find_stack(data)  # every time, since the stack may restart
        clients = SystemClients(services=addresses(stack, services), seconds=seconds * 0.8)
        try:
            return collect(clients, site, window, seconds)
        finally:
            clients.close()

    try:
        previous = collect_status()
        time.sleep(RATE_INTERVAL_SECONDS)
        current = collect_status()
        _show(current, previous, in_json=in_json, refresh=watch)
        while watch:
            time.sleep(every)
            previous, current = current, collect_status()
            _show(current, previous, in_json=in_json, refresh=True)
    except KeyboardInterrupt:
        return
    if any(isinstance(part, UnavailablePart) for part in current.parts):
        sys.exit(1)


def _show(current: SystemStatus, previous: SystemStatus, *, in_json: bool, refresh: bool) -> None:
    if in_json:
        click.echo(orjson.dumps(as_json(current, previous), option=orjson.OPT_NON_STR_KEYS))
        return
    timestamp = datetime.fromtimestamp(current.timestamp / 1000, UTC)
    lines = [f"mostread, {timestamp:%H:%M:%S} UTC", ""]
    blocks = list(status_blocks(current, previous))
    for prefix, state, colour, text in status_lines(blocks, terminal_width()):
        lines.append(prefix + (click.style(state, fg=colour) if state else "") + text)
    if refresh and sys.stdout.isatty():
        click.clear()
    if refresh:
        lines.append("")
    click.echo("\n".join(lines), color=use_colour())
