"""Command lines of `mostread`, parsed without running them."""

import importlib
from collections.abc import Sequence

import click

from mostread.cli.main import COMMANDS


def check_parses(words: Sequence[str]) -> None:
    """Raise click.UsageError or KeyError unless `mostread` accepts these words."""
    name, *arguments = words
    module, _, attribute = COMMANDS[name].partition(":")
    command: click.Command = getattr(importlib.import_module(module), attribute)
    while isinstance(command, click.Group):
        name, *arguments = arguments
        command = command.commands[name]
    command.make_context(name, arguments)
