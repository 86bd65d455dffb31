"""The choice of a format: by name, by template, or by the first lines of a file."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import orjson

from mostread.ops.access_logs.formats import common, haproxy, json_lines, named, template, w3c
from mostread.ops.access_logs.formats.log_format import (
    FormatFactory,
    FormatOptions,
    LogFormat,
    OtherFormat,
)
from mostread.ops.access_logs.request import EXCERPT_LENGTH, LoggedRequest

SAMPLE_LINES = 1000
"""Lines at the start of a file that decide its format."""

FORMATS: dict[str, FormatFactory] = {
    "json": json_lines.JsonFormat,
    "w3c": w3c.W3CFormat,
    "haproxy": haproxy.HAProxyFormat,
    **named.FORMATS,
    "combined": common.combined,
    "common": common.common,
}
"""Formats by the name that --format takes."""

_DETECTED: list[FormatFactory] = [
    json_lines.JsonFormat,
    w3c.W3CFormat,
    haproxy.HAProxyFormat,
    *named.FORMATS.values(),
    common.detect,
]
_MESSAGE_KEYS = ("log", "message", "MESSAGE", "textPayload")
"""Keys of a line in the JSON of Docker, Filebeat, journald and Google Cloud."""

Unwrap = Callable[[str], str | None]


def _by_pattern(pattern: str) -> Unwrap:
    expression = re.compile(pattern)

    def unwrap(line: str) -> str | None:
        match = expression.fullmatch(line)
        return match and match[1]

    return unwrap


_in_quotes = _by_pattern(r'"(.*)"\s*')


def _as_csv_field(line: str) -> str | None:
    inner = _in_quotes(line)
    if not inner or '"' in inner.replace('""', ""):
        return None
    return inner.replace('""', '"')


def _in_json(line: str) -> str | None:
    try:
        record = orjson.loads(line)
    except (orjson.JSONDecodeError, UnicodeEncodeError):
        return None
    if not isinstance(record, dict):
        return None
    texts = (record[key] for key in _MESSAGE_KEYS if isinstance(record.get(key), str))
    text = next(texts, None)  # Filebeat's "log" is an object
    return None if text is None else text.rstrip("\r\n")


_WRAPPERS: list[tuple[str, Unwrap | None]] = [
    ("", None),
    ("in quotes", _as_csv_field),
    ("in quotes", _in_quotes),
    (
        "from syslog",
        _by_pattern(
            r"(?:<\d+>)?(?:[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d|\d{4}-\d\d-\d\dT\S+) "
            r"(?:\S+(?<!:) )?[^\s:\[]+(?:\[\d+\])?: ?(.*)"  # HAProxy may omit the host
        ),
    ),
    ("from syslog", _by_pattern(r"<\d+>1 \S+ \S+ \S+ \S+ \S+ (?:-|\[.*?\]) \ufeff?(.*)")),
    ("from a container", _by_pattern(r"\S+ (?:stdout|stderr) F (.*)")),
    ("from a container", _by_pattern(r"[\w.-]+ +\| (.*)")),
    ("in JSON", _in_json),
]
"""Additions of log collectors around a line, each with a function that removes it."""


class _Wrapped:
    """A format whose lines are inside those of a log collector."""

    def __init__(self, inner: LogFormat, where: str, unwrap: Unwrap) -> None:
        self._inner = inner
        self._unwrap = unwrap
        self.name = f"{inner.name} {where}"
        self.has_user_agents = inner.has_user_agents

    @property
    def notes(self) -> Sequence[str]:
        return self._inner.notes

    def parse(self, line: str) -> LoggedRequest | None:
        unwrapped = self._unwrap(line)
        if unwrapped is None:
            raise OtherFormat(f"not in the {self.name} format: {line[:EXCERPT_LENGTH]!r}")
        return self._inner.parse(unwrapped)


class _Unknown:
    """The format of a file that no format reads."""

    name = "unknown"
    has_user_agents = False
    notes = ()

    def __init__(self, reason: str) -> None:
        self._reason = reason

    def parse(self, line: str) -> LoggedRequest | None:
        raise ValueError(f"{self._reason}: {line[:EXCERPT_LENGTH]!r}")


def format_factory(text: str) -> FormatFactory:
    """Return the format with this name, or of this template. Raises ValueError."""
    if text in FORMATS:
        return FORMATS[text]
    if "$" in text or "%" in text:
        return template.factory("template", text)
    names = ", ".join(FORMATS)
    raise ValueError(
        f"{text!r} is not a format; use one of {names}, or the text of an nginx log_format or an "
        "Apache LogFormat"
    )


def detect(
    sample: Sequence[str], options: FormatOptions, forced: FormatFactory | None
) -> LogFormat:
    """Return the format that reads most lines of `sample`; of equal ones, the first.

    If none reads a line, return a format that rejects every line with the reason; a forced format
    reads the rest of the file even then.
    """
    factories = _DETECTED if forced is None else [forced]
    lines = [line for line in sample if line.strip()]
    best: Callable[[FormatOptions], LogFormat] | None = None
    most = (0, 0)
    reasons: list[str] = []
    for where, unwrap in _WRAPPERS:
        inner = lines if unwrap is None else [text for text in map(unwrap, lines) if text]
        if len(inner) <= most[0]:
            continue
        for factory in factories:
            try:
                # Whether a field that --client-from names exists does not tell the format.
                candidate = factory(inner, replace(options, client_from=None))
            except OtherFormat:
                continue
            except ValueError as error:
                reasons.append(str(error))
                continue
            score = _score(candidate, inner)
            if score > most:
                most = score
                best = partial(_build, factory, inner, where, unwrap)
    if best is None and forced is not None and not reasons:
        best = partial(forced, lines)
    if best is None:
        return _Unknown(reasons[0] if reasons else "not in a known format")
    try:
        return best(options)
    except ValueError as error:
        return _Unknown(str(error))


def _build(
    factory: FormatFactory,
    sample: Sequence[str],
    where: str,
    unwrap: Unwrap | None,
    options: FormatOptions,
) -> LogFormat:
    log_format = factory(sample, options)
    return log_format if unwrap is None else _Wrapped(log_format, where, unwrap)


def _score(candidate: LogFormat, lines: Sequence[str]) -> tuple[int, int]:
    """Return how many lines a format reads, and how many it recognizes."""
    read = recognized = 0
    for line in lines:
        try:
            read += candidate.parse(line) is not None
        except OtherFormat:
            continue
        except ValueError:
            pass
        recognized += 1
    return read, recognized
