"""Times of access logs, in minutes since the epoch."""

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache

_CACHE_SIZE = 8192
_MONTHS = {
    name: number
    for number, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), 1
    )
}
_TIME = r"(\d\d):(\d\d)(?::[0-5]\d|:60)?(?:[.,]\d+)?"
_ZONE = r"\s*([+-]\d\d:?\d\d|Z|UTC|GMT)?"
_COMMON = re.compile(rf"(\d\d?)/([A-Za-z]{{3}})/(\d{{4}}):{_TIME}{_ZONE}", re.ASCII)
_ISO = re.compile(rf"(\d{{4}})([-/])(\d\d)\2(\d\d)[T\s_]{_TIME}{_ZONE}", re.ASCII)
_RFC_1123 = re.compile(rf"[A-Z][a-z]{{2}}, (\d\d) ([A-Z][a-z]{{2}}) (\d{{4}}) {_TIME}{_ZONE}")
_EPOCH = re.compile(r"\d{9,19}(?:\.\d*)?(?:[eE]\+?\d{1,2})?|\d\.\d+[eE]\+?\d{1,2}", re.ASCII)
_MILLISECONDS, _MICROSECONDS, _NANOSECONDS = 1e11, 1e14, 1e17
"""Least numbers that are read in these units; in seconds they are after the year 5000."""
_COMMON_LENGTH = len("10/Oct/2026:13:55:36 +0000")
_MAX_OFFSET_MINUTES = 14 * 60


class TimeParser:
    """Parse the times of one format.

    `zone` is that of times that name none; None reads them as UTC and sets `assumed_utc`.
    `strptime` is the format of the times, if it is not one of the usual.
    """

    def __init__(self, zone: tzinfo | None, strptime: str = "") -> None:
        self._zone = zone
        self._strptime = strptime
        self.assumed_utc = False
        self._cached_minute = lru_cache(_CACHE_SIZE)(self._minute)
        self._of_fields = lru_cache(_CACHE_SIZE)(self._minute_of_fields)

    def minute(self, text: str) -> int:
        """Return the minute since the epoch. Raises ValueError."""
        if len(text) == _COMMON_LENGTH and text[17] == ":" and "00" <= text[18:20] < "60":
            text = text[:17] + text[20:]  # all requests of a minute share one entry of the cache
        return self._cached_minute(text)

    def _minute(self, text: str) -> int:
        if self._strptime and self._strptime != "%s":
            return self._minute_by_strptime(text)
        if match := _COMMON.fullmatch(text) or _RFC_1123.fullmatch(text):
            day, name, year, hour, minute, zone = match.groups()
            month = str(_MONTHS.get(name.lower(), 0))
        elif match := _ISO.fullmatch(text):
            year, _, month, day, hour, minute, zone = match.groups()
        elif _EPOCH.fullmatch(text):
            return _minute_of_epoch(float(text))
        else:
            raise ValueError(f"{text[:40]!r} is not a time")
        try:
            return self._of_fields(
                int(year), int(month), int(day), int(hour), int(minute), zone=zone
            )
        except (ValueError, OverflowError) as error:
            raise ValueError(f"{text[:40]!r} is not a valid time: {error}") from error

    def _minute_of_fields(self, *fields: int, zone: str | None) -> int:
        time = datetime(*fields, tzinfo=self._tzinfo(zone))  # type: ignore[misc,arg-type]
        since = int(time.timestamp()) // 60
        if since < 0:
            raise ValueError("it is before 1970")
        return since

    def _minute_by_strptime(self, text: str) -> int:
        time = datetime.strptime(text, self._strptime)  # noqa: DTZ007 - the next line adds a zone
        if time.tzinfo is None:
            time = time.replace(tzinfo=self._tzinfo(None))
        return int(time.timestamp()) // 60

    def _tzinfo(self, zone: str | None) -> tzinfo:
        if zone is None:
            if self._zone is None:
                self.assumed_utc = True
                return UTC
            return self._zone
        if zone in ("Z", "UTC", "GMT"):
            return UTC
        hours, minutes = int(zone[1:3]), int(zone[-2:])
        offset = hours * 60 + minutes
        if minutes > 59 or offset > _MAX_OFFSET_MINUTES:
            raise ValueError(f"no time zone is {zone} from UTC")
        return timezone(timedelta(minutes=-offset if zone[0] == "-" else offset))


def _minute_of_epoch(number: float) -> int:
    for least, divisor in ((_NANOSECONDS, 1e9), (_MICROSECONDS, 1e6), (_MILLISECONDS, 1e3)):
        if number >= least:
            number /= divisor
            break
    return int(number) // 60
