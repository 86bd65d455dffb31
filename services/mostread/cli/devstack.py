"""`mostread up` and `mostread down`: the whole system on this machine, without Docker."""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from mostread.devstack.data_dir import DataFolder, kept_secret
from mostread.devstack.demo.runner import Background, show
from mostread.devstack.ports import Ports
from mostread.devstack.stack import TOKENS_FILE, Stack
from mostread.errors import Misconfigured
from mostread.infra.auth.tokens import Role

DOWN_TIMEOUT = 300.0

Command = TypeVar("Command", bound=Callable[..., Any])

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

_data = click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(".mostread"),
    show_default=True,
    help="The folder with all data and logs.",
)
_ports = click.option(
    "--ports",
    "base",
    type=click.IntRange(1, 65_000),
    default=8080,
    show_default=True,
    metavar="BASE",
    help="The first port: ranking. Collector, aggregator, ClickHouse and Kafka follow it.",
)
_workers = click.option(
    "--workers",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="How many aggregators share the counting.",
)


def stack_options(command: Command) -> Command:
    """Give a command the options of a stack: --data, --ports and --workers."""
    return _data(_ports(_workers(command)))


@click.command()
@stack_options
@click.option("--canary", is_flag=True, help="Measure the whole way by an event a minute.")
def up(data: Path, base: int, workers: int, canary: bool) -> None:
    """Start everything and keep it running until Ctrl-C or `mostread down`."""
    run_stack(data, base, workers, _greet_and_watch, canary=canary)


def run_stack(
    data: Path,
    base: int,
    workers: int,
    while_it_runs: Callable[[Stack], None],
    *,
    canary: bool = False,
) -> None:
    """Start a stack, call `while_it_runs`, and end the stack in order however that ended."""
    for number in _SIGNALS:
        signal.signal(number, signal.default_int_handler)
    folder = DataFolder(data)
    try:
        with folder.held():
            stack = Stack(folder, Ports(base, workers), report, canary=canary)
            try:
                stack.start()
                while_it_runs(stack)
            finally:
                # Ending in order takes a while, and a second signal must not break it off.
                for number in _SIGNALS:
                    signal.signal(number, signal.SIG_IGN)
                stack.stop()
    except KeyboardInterrupt:
        report("Stopped.")


def _greet_and_watch(stack: Stack) -> None:
    report(f"\nThe most-read list     http://127.0.0.1:{stack.ports.ranking}/")
    report(f"Send events to         http://127.0.0.1:{stack.ports.collector}/v1/events")
    if stack.tokens:
        report(f"Publish articles with  the token in {stack.tokens[Role.CMS]}")
        report(f"Hide and pin with      the token in {stack.tokens[Role.EDITOR]}")
    if stack.canary:
        report(f"The canary measures at http://127.0.0.1:{stack.ports.canary}/metrics")
    report("Stop with Ctrl-C or `mostread down`.")
    stack.watch()


@click.command()
@_data
def down(data: Path) -> None:
    """Stop what `mostread up` started on the same folder, and wait until it has ended."""
    folder = DataFolder(data)
    if not folder.is_held():
        if folder.path.exists():
            with folder.held():
                folder.end_orphans(report)
        report(f"Nothing is running on {folder.path}.")
        return
    holder = folder.holder()
    if holder is None:
        raise Misconfigured(f"{folder.path} is held by a process that did not say who it is")
    report(f"Stopping what runs on {folder.path} (process {holder.pid}) ...")
    os.kill(holder.pid, signal.SIGTERM)
    if not folder.wait_released(DOWN_TIMEOUT):
        raise Misconfigured(f"process {holder.pid} has not ended after {DOWN_TIMEOUT:g} s")
    report("Stopped.")


@click.command()
@stack_options
@click.option("--no-traffic", is_flag=True, help="No simulated readers: nothing moves by itself.")
def demo(data: Path, base: int, workers: int, *, no_traffic: bool) -> None:
    """Start everything, load ten articles with known numbers, and check the list.

    Ends with exit code 1 if the list is not exactly as expected. Otherwise it goes on until
    Ctrl-C or `mostread down`, with simulated readers on thirty further articles.
    """
    if TOKENS_FILE in os.environ:
        raise Misconfigured(
            "the demo publishes articles with a token of its own, which the collector would not "
            f"know; unset {TOKENS_FILE}"
        )

    def run(stack: Stack) -> None:
        token = kept_secret(DataFolder(data).cms_token)
        with Background(
            show(stack.ports, data, token, report, readers=not no_traffic)
        ) as background:
            stack.watch(background.raise_error)

    run_stack(data, base, workers, run)


def report(sentence: str) -> None:
    """Say a sentence at once, also into a pipe."""
    click.echo(sentence)
    sys.stdout.flush()
