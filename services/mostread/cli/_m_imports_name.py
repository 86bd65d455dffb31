"""What an import, and a site, may be called on the command line."""

import re

import click


class Name(click.ParamType):
    """Up to 64 letters, digits and the characters of `also`, whose hyphen comes last."""

    name = "name"

    def __init__(self, also: str) -> None:
        self._also = also
        self._allowed = re.compile(rf"[A-Za-z0-9{also}]{{1,64}}")

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if not self._allowed.fullmatch(value):
            self.fail(f"up to 64 of A-Z a-z 0-9 {' '.join(self._also)}", param, ctx)
        return value


IMPORT = Name("._:-")
SITE = Name("._-")
