"""What an import may be called."""

import re

import click

_NAME = re.compile(r"[A-Za-z0-9._:-]{1,64}")


class ImportName(click.ParamType):
    """The name of an import on the command line."""

    name = "name"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if not _NAME.fullmatch(value):
            self.fail("up to 64 of A-Z a-z 0-9 . _ : -", param, ctx)
        return value
