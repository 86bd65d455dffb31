"""Files of an export: each is complete, or does not exist under its name."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import BinaryIO, Literal, NamedTuple

Format = Literal["csv", "ndjson", "parquet"]


class FileSpan(NamedTuple):
    """Time that a file covers, in seconds since the epoch, `end` excluded; its date is its name."""

    name: str
    start: int
    end: int


ALL_TIME = FileSpan("", 0, 2**32 - 1)


def days_between(first: date, last: date) -> Sequence[FileSpan]:
    """Return the days in UTC from `first` to `last`, inclusive."""
    return [_day(first + timedelta(number)) for number in range((last - first).days + 1)]


def _day(day: date) -> FileSpan:
    start = int(datetime.combine(day, time(), UTC).timestamp())
    return FileSpan(day.isoformat(), start, start + 86_400)


@dataclass(frozen=True)
class ExportFolder:
    """Names the files of one export: `hours-news-2026-11-28.csv` for the site news.

    The modification time of a file says up to when events are in it. It is final from
    `settles_after` seconds after the end of its period on.
    """

    path: Path
    what: str
    format: Format
    site: str
    settles_after: int = 0

    def file(self, period: FileSpan) -> Path:
        """Return the path of a period's file."""
        name = "-".join(filter(None, (self.what, self.site, period.name)))
        return self.path / f"{name}.{self.format}"

    def is_final(self, period: FileSpan) -> bool:
        """Return whether the file exists and nothing can be added to its period any more."""
        file = self.file(period)
        return file.exists() and file.stat().st_mtime >= period.end + self.settles_after


@contextmanager
def new_file(path: Path, as_of: float) -> Iterator[BinaryIO]:
    """Write a file under a temporary name, and rename it once it is complete and on disk.

    `as_of` becomes its modification time, in seconds since the epoch.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    try:
        with part.open("wb") as out:
            yield out
            out.flush()
            os.fsync(out.fileno())
        os.utime(part, (as_of, as_of))
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
