"""A moment on the command line: a time, or how long ago it was."""

import re
from datetime import UTC, datetime

import click

from mostread.infra.clock import now_ms

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


class Moment(click.ParamType):
    """An ISO 8601 time (UTC where it names no zone), or 90s, 30m, 24h or 7d: so long ago.

    The value is in milliseconds since the epoch.
    """

    name = "when"

    def convert(
        self, value: str | int, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        if isinstance(value, int):
            return value
        if ago := re.fullmatch(r"(\d{1,9})([smhd])", value):
            return max(0, now_ms() - int(ago[1]) * _UNITS[ago[2]] * 1000)
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is neither a time, like 2026-01-31T12:00, nor 24h", param, ctx)
        return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
