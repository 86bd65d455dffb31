"""`mostread status`."""

import logging
import sys
import time
from datetime import UTC, datetime

import click
import orjson

from mostread.cli.params import service_option, service_urls, stack_option
from mostread.ops.inspection.clients import SystemClients
from mostread.ops.status.collect import collect
from mostread.ops.status.parts import SystemStatus, UnavailablePart, as_json
from mostread.ops.status.render import status_blocks, status_lines
from mostread.ops.terminal import terminal_width, use_colour

RATE_INTERVAL_SECONDS = 1.0


@click.command()
@stack_option
@service_option("collector")
@service_option("ranking")
@click.option("--site", default="default", show_default=True, help="Site of the list.")
@click.option("--window", default="24h", show_default=True, help="Window of the list.")
@click.option("--watch", is_flag=True, help="Refresh until Ctrl-C.")
@click.option(
    "--every",
    type=click.FloatRange(0.5, 3600),
    default=2,
    show_default=True,
    help="Seconds between refreshes with --watch.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(1, 600),
    default=8,
    show_default=True,
    help="Seconds for one refresh; a part that takes longer is shown as unavailable.",
)
@click.option("--json", "in_json", is_flag=True, help="Print JSON, a line per refresh.")
def status(
    *,
    site: str,
    window: str,
    every: float,
    timeout: float,
    watch: bool,
    in_json: bool,
    **services: tuple[str, ...],
) -> None:
    """Show the state of the pipeline.

    One screen with collectors, Kafka, aggregators, ClickHouse and the list. Rates are measured over
    one second. Exits with code 1 if a part is unavailable.
    """
    logging.disable(logging.CRITICAL)  # unavailable parts are shown, and need not be logged

    def collect_status() -> SystemStatus:
        clients = SystemClients(services=service_urls(services), seconds=timeout * 0.8)
        try:
            return collect(clients, site, window, timeout)
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
