"""Summary of an access log import."""

from collections.abc import Iterator
from datetime import UTC, datetime

from mostread.core.counting.counters import MINUTE
from mostread.ops.access_logs.filters import LineFilter, LineOutcome
from mostread.ops.access_logs.views import ViewCounts

_TOP_ARTICLES = 10
_EXPLANATIONS = {
    LineOutcome.REPEATED: "same reader (address and user agent) within the half hour",
    LineOutcome.BOT: "by user agent",
    LineOutcome.PREFETCH: "may never have been seen",
    LineOutcome.NO_ARTICLE: "by --article",
    LineOutcome.OTHER_STATUS: "neither 200 nor 304",
    LineOutcome.NOT_GET: "",
    LineOutcome.OTHER_HOST: "than --host",
    LineOutcome.OUT_OF_RANGE: "of --since and --until",
    LineOutcome.MALFORMED: "",
}


def summary_lines(line_filter: LineFilter, counts: ViewCounts) -> Iterator[str]:
    """Yield the number of lines by outcome, then the most viewed articles."""
    outcomes = {**line_filter.outcomes, LineOutcome.VIEW: counts.total}
    outcomes[LineOutcome.REPEATED] = line_filter.outcomes[LineOutcome.VIEW] - counts.total
    yield _line("lines", sum(outcomes.values()), "")
    yield _line("views", counts.total, f"of {len(counts.names):,} articles{_time_range(counts)}")
    examples = ", such as " + ", ".join(map(_printable, line_filter.unmatched_targets))
    for outcome, explanation in _EXPLANATIONS.items():
        if outcomes[outcome]:
            suffix = examples if outcome is LineOutcome.NO_ARTICLE else ""
            yield _line(outcome, outcomes[outcome], explanation + suffix)
    yield from (f"  {error}" for error in line_filter.malformed)
    if counts.total and not line_filter.has_user_agents:
        yield "No line has a user agent, so views include bots; log in the combined format."
    if counts.total:
        yield "Most viewed:"
    for rank, (article, views) in enumerate(counts.top(_TOP_ARTICLES), 1):
        yield f"{rank:3}. {views:11,}  {_printable(article)}"


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
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text[:100])
