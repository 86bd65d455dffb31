"""What `mostread replay` says of the logs it read."""

from collections.abc import Iterator
from datetime import UTC, datetime

from mostread.core.counting.counters import MINUTE
from mostread.ops.access_logs.filters import Admitted, Outcome
from mostread.ops.access_logs.views import Counted

_SHOWN = 10
_MEANING = {
    Outcome.REPEATED: "by the same reader (address and user agent) within the half hour",
    Outcome.BOT: "by their user agents",
    Outcome.PREFETCH: "and perhaps never seen",
    Outcome.NO_ARTICLE: "by --article",
    Outcome.NOT_READ: "answered with another status than 200 and 304",
    Outcome.NO_GET: "",
    Outcome.OTHER_HOST: "than --host",
    Outcome.OUTSIDE: "of --since and --until",
    Outcome.MALFORMED: "",
}


def summary(admitted: Admitted, counted: Counted) -> Iterator[str]:
    """Yield the lines of the summary: what became of each line, and the articles read most."""
    outcomes = {**admitted.outcomes, Outcome.VIEW: counted.total}
    outcomes[Outcome.REPEATED] = admitted.outcomes[Outcome.VIEW] - counted.total
    yield _line("lines", sum(outcomes.values()), "")
    yield _line("views", counted.total, f"of {len(counted.names):,} articles{_span(counted)}")
    such = ", such as " + ", ".join(map(_printable, admitted.no_article))
    for outcome, meaning in _MEANING.items():
        if outcomes[outcome]:
            more = such if outcome is Outcome.NO_ARTICLE else ""
            yield _line(outcome, outcomes[outcome], meaning + more)
    yield from (f"  {each}" for each in admitted.malformed)
    if counted.total and not admitted.names_agents:
        yield "No line names a user agent (the combined format does): bots are among the views."
    if counted.total:
        yield "The most viewed:"
    for rank, (article, views) in enumerate(counted.first(_SHOWN), 1):
        yield f"{rank:3}. {views:11,}  {_printable(article)}"


def _line(what: str, number: int, meaning: str) -> str:
    return f"{what:10} {number:14,}  {meaning}".rstrip()


def _span(counted: Counted) -> str:
    if not counted.total:
        return ""
    first, last = (
        f"{datetime.fromtimestamp(int(counted.minutes[at]) * MINUTE, UTC):%Y-%m-%dT%H:%MZ}"
        for at in (0, -1)
    )
    return f", from {first} to {last}"


def _printable(text: str) -> str:
    """Return it without what could do something to a terminal."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text[:100])
