"""What the supervisor did: JSON lines in a file, and a sentence for whoever watches."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import orjson


class EventLog:
    """Appends to `file` and says to `report` what a person should know."""

    def __init__(self, file: Path, report: Callable[[str], None]) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        self._file = file
        self._report = report

    def __call__(self, event: str, sentence: str = "", **fields: str | float) -> None:
        """Record one event; it is reported only if it comes with a sentence."""
        line = {"time": datetime.now(UTC), "service": "supervisor", "event": event, **fields}
        with self._file.open("ab") as file:
            file.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))
        if sentence:
            self._report(sentence)
