"""Summary of an access log import."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

from mostread.core.counting.counters import MINUTE
from mostread.ops.access_logs.filters import LineFilter, LineOutcome
from mostread.ops.access_logs.formats.log_format import LogFormat
from mostread.ops.access_logs.views import ViewCounts

_TOP_ARTICLES = 10
_MAX_EXAMPLE_LENGTH = 100
_EXPLANATIONS = {
    LineOutcome.REPEATED: "same reader (address and user agent) within the half hour",
    LineOutcome.BOT: "by user agent",
    LineOutcome.PREFETCH: "may never have been seen",
    LineOutcome.NO_ARTICLE: "by --article",
    LineOutcome.OTHER_STATUS: "neither 200 nor 304",
    LineOutcome.NOT_GET: "another method",
    LineOutcome.OTHER_HOST: "than --host",
    LineOutcome.OUT_OF_RANGE: "of --since and --until",
    LineOutcome.MALFORMED: "",
}


def summary_lines(
    line_filter: LineFilter, counts: ViewCounts, formats: Mapping[str, LogFormat]
) -> Iterator[str]:
    """Yield the format of each file, the lines by outcome, then the most viewed articles."""
    yield from _format_lines(formats)
    outcomes = {**line_filter.outcomes, LineOutcome.VIEW: counts.total}
    outcomes[LineOutcome.REPEATED] = line_filter.outcomes[LineOutcome.VIEW] - counts.total
    yield _line("lines", sum(outcomes.values()), "")
    yield _line("views", counts.total, f"of {len(counts.names):,} articles{_time_range(counts)}")
    for outcome, explanation in _EXPLANATIONS.items():
        if outcomes[outcome]:
            example = line_filter.examples.get(outcome)
            suffix = "" if example is None else f"; {example[0]}: {_printable(example[1])}"
            yield _line(outcome, outcomes[outcome], explanation + suffix)
    yield from (f"  {error}" for error in line_filter.malformed)
    yield from _notes(line_filter, formats)
    if counts.total:
        yield "Most viewed:"
    for rank, (article, views) in enumerate(counts.top(_TOP_ARTICLES), 1):
        yield f"{rank:3}. {views:11,}  {_printable(article)}"


def _format_lines(formats: Mapping[str, LogFormat]) -> Iterator[str]:
    files: dict[str, list[str]] = {}
    for file, log_format in formats.items():
        files.setdefault(log_format.name, []).append(file)
    for name, each in files.items():
        yield f"format       {name}" + ("" if len(files) == 1 else f": {_some(each)}")


def _some(files: Sequence[str]) -> str:
    return ", ".join(files[:3]) + (f" and {len(files) - 3} more" if len(files) > 3 else "")


def _notes(line_filter: LineFilter, formats: Mapping[str, LogFormat]) -> Iterator[str]:
    """Yield what may make the numbers wrong although every line was read."""
    files: dict[str, list[str]] = {}
    for file, log_format in formats.items():
        for note in log_format.notes:
            files.setdefault(note, []).append(file)
    for note, each in files.items():
        yield f"In {_some(each)}, {note}."
    views = line_filter.outcomes[LineOutcome.VIEW]
    if line_filter.without_user_agent:
        yield (
            f"Logs without user agents contain {line_filter.without_user_agent:,} of the requests "
            "for articles, so views include bots; log in the combined format."
        )
    private = line_filter.private_clients
    if private.total() * 2 > views:
        (address, _), *_ = private.most_common(1)
        yield (
            f"{private.total():,} of {views:,} requests come from private addresses such as "
            f"{address}; if that is a proxy, all its readers count as one: name the field with "
            "their addresses by --client-from."
        )


def _line(label: str, number: int, explanation: str) -> str:
    return f"{label:12} {number:14,}  {explanation}".rstrip()


def _time_range(counts: ViewCounts) -> str:
    if not counts.total:
        return ""
    first, last = (
        f"{datetime.fromtimestamp(int(counts.minutes[index]) * MINUTE, UTC):%Y-%m-%dT%H:%MZ}"
        for index in (0, -1)
    )
    return f", from {first} to {last}"


def _printable(text: str) -> str:
    """Return the text cut to 100 characters, without terminal control characters."""
    return "".join(
        character if character.isprintable() else "\N{REPLACEMENT CHARACTER}"
        for character in text[:_MAX_EXAMPLE_LENGTH]
    )
