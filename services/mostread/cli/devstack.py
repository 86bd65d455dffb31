"""`mostread up`, `down` and `demo`: the whole system on this machine, without Docker."""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from mostread.cli.params import DATA_DIR
from mostread.devstack.data_dir import DataDir, load_or_create_secret
from mostread.devstack.demo.runner import BackgroundTask, run_demo
from mostread.devstack.ports import Ports
from mostread.devstack.stack import TOKENS_FILE, Stack, local_url
from mostread.errors import Misconfigured
from mostread.infra.auth.tokens import Role

DOWN_TIMEOUT = 300.0

Command = TypeVar("Command", bound=Callable[..., Any])

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

_data = click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    default=DATA_DIR,
    show_default=True,
    help="Directory for all data and logs.",
)
_ports = click.option(
    "--ports",
    "base",
    type=click.IntRange(1, 65_000),
    default=8080,
    show_default=True,
    metavar="BASE",
    help="First port, for ranking; collector, aggregator, ClickHouse and Kafka follow.",
)
_workers = click.option(
    "--workers",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="Number of aggregators.",
)


def stack_options(command: Command) -> Command:
    """Add the options of a stack: --data, --ports and --workers."""
    return _data(_ports(_workers(command)))


@click.command()
@stack_options
@click.option("--canary", is_flag=True, help="Measure end-to-end latency with an event per minute.")
def up(data: Path, base: int, workers: int, canary: bool) -> None:
    """Start everything and keep it running.

    It stops at Ctrl-C or `mostread down`. Runs Apache Kafka and an embedded ClickHouse (chdb behind
    an HTTP front, not the ClickHouse server). A Kafka or ClickHouse named by MOSTREAD_KAFKA_BROKERS
    or MOSTREAD_CLICKHOUSE_URL is used instead. Other commands find the running stack by its data
    directory.
    """
    run_stack(data, base, workers, _announce_and_watch, canary=canary)


def run_stack(
    data: Path,
    base: int,
    workers: int,
    while_running: Callable[[Stack], None],
    *,
    canary: bool = False,
) -> None:
    """Start a stack, call `while_running`, and always stop the stack in order."""
    for number in _SIGNALS:
        signal.signal(number, signal.default_int_handler)
    directory = DataDir(data)
    try:
        with directory.locked(report) as lock:
            stack = Stack(directory, Ports(base, workers), report, canary=canary, lock=lock)
            try:
                stack.start()
                while_running(stack)
            finally:
                # An orderly shutdown takes a while; a second signal must not interrupt it.
                for number in _SIGNALS:
                    signal.signal(number, signal.SIG_IGN)
                stack.stop()
    except KeyboardInterrupt:
        report("Stopped.")


def _announce_and_watch(stack: Stack) -> None:
    report(f"\nMost-read list       {local_url(stack.ports.ranking)}/")
    report(f"Send events to       {local_url(stack.ports.collector)}/v1/events")
    if stack.tokens:
        report(f"CMS token            {stack.tokens[Role.CMS]}")
        report(f"Editor token         {stack.tokens[Role.EDITOR]}")
    if stack.canary:
        report(f"Canary metrics       {local_url(stack.ports.canary)}/metrics")
    report(f"Settings             {stack.env_file}")
    report("Stop with Ctrl-C or `mostread down`.")
    stack.watch()


@click.command()
@_data
def down(data: Path) -> None:
    """Stop a running stack and wait until it has ended."""
    directory = DataDir(data)
    if not directory.is_running() or (pid := directory.terminate()) is None:
        if directory.path.exists():
            with directory.locked(report):
                pass  # locked once the processes of a killed `mostread up` have ended
        report(f"Nothing is running on {directory.path}.")
        return
    report(f"Stopping the stack on {directory.path} (process {pid}) ...")
    if not directory.wait_stopped(DOWN_TIMEOUT):
        raise Misconfigured(f"process {pid} has not ended after {DOWN_TIMEOUT:g} s; see its output")
    report("Stopped.")


@click.command()
@stack_options
@click.option("--no-traffic", is_flag=True, help="Do not simulate readers after the check.")
def demo(data: Path, base: int, workers: int, *, no_traffic: bool) -> None:
    """Start everything with sample articles.

    Loads ten articles with known counts and checks the list. Exits with code 1 if the list differs
    from what is expected. Otherwise it runs until Ctrl-C or `mostread down` and simulates readers
    of thirty more articles.
    """
    if TOKENS_FILE in os.environ:
        raise Misconfigured(
            "the demo publishes articles with a token that the collector would reject; "
            f"unset {TOKENS_FILE}"
        )

    def run(stack: Stack) -> None:
        token = load_or_create_secret(DataDir(data).cms_token)
        work = run_demo(stack.ports, data, token, report, traffic=not no_traffic)
        with BackgroundTask(work) as background:
            stack.watch(background.raise_error)

    run_stack(data, base, workers, run)


def report(line: str) -> None:
    """Print a line at once, also into a pipe."""
    click.echo(line)
    sys.stdout.flush()
