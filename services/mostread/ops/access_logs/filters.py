"""Access log filters: which lines count as views, by named steps in order."""

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

from mostread.core.bots import MAX_USER_AGENT_LENGTH, BotRule
from mostread.ops.access_logs.article_matcher import ArticleMatcher
from mostread.ops.access_logs.clients import is_private
from mostread.ops.access_logs.formats.log_format import LogFormat
from mostread.ops.access_logs.request import LoggedRequest, normalize_host
from mostread.ops.access_logs.views import ViewLog

_MAX_MALFORMED_EXAMPLES = 10
_MAX_EXAMPLE_IDS = 100_000
_READ_STATUSES = frozenset({"200", "304"})
"""304: the browser shows the page from its cache."""


class LineOutcome(StrEnum):
    """Outcome of a log line: a closed set, in the order of the filters."""

    MALFORMED = "malformed"
    OUT_OF_RANGE = "out of range"
    OTHER_HOST = "other host"
    NOT_GET = "not GET"
    OTHER_STATUS = "other status"
    NO_ARTICLE = "no article"
    BOT = "bots"
    PREFETCH = "prefetched"
    REPEATED = "repeated"
    VIEW = "views"


@dataclass(frozen=True)
class RequestSelection:
    """Requests to import. Minutes since the epoch; `since` inclusive, `until` exclusive."""

    match_article: ArticleMatcher
    now: int
    since: int = 0
    until: int | None = None
    host: str | None = None
    bot_rule: BotRule = field(default_factory=BotRule)


@dataclass
class LineFilter:
    """Sorts log lines into views and others.

    REPEATED stays 0 here: repeated views are only known once all lines are read.
    """

    selection: RequestSelection
    views: ViewLog = field(default_factory=ViewLog)
    outcomes: dict[LineOutcome, int] = field(default_factory=lambda: dict.fromkeys(LineOutcome, 0))
    examples: dict[LineOutcome, tuple[str, str]] = field(default_factory=dict)
    """Location of the first line of an outcome, and what decided about it."""
    malformed: list[str] = field(default_factory=list)
    """The first malformed lines, each with its location."""
    without_user_agent: int = 0
    """Views in logs without user agents."""
    private_clients: Counter[str] = field(default_factory=Counter)
    """Views by private address."""
    _ids: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._host = None if self.selection.host is None else normalize_host(self.selection.host)

    def add(self, file: str, number: int, line: str, log_format: LogFormat) -> None:
        """Classify a line and record its view; ignore an empty line and a comment."""
        if not line or line.isspace():
            return
        try:
            request = log_format.parse(line)
            if request is None:
                return
            outcome = self._classify(request)
        except ValueError as error:
            outcome = LineOutcome.MALFORMED
            if len(self.malformed) < _MAX_MALFORMED_EXAMPLES:
                self.malformed.append(f"{file}:{number}: {error}")
        else:
            if outcome is not LineOutcome.VIEW:
                if outcome not in self.examples:
                    self.examples[outcome] = (f"{file}:{number}", _reason(outcome, request))
            elif LineOutcome.REPEATED not in self.examples:
                self._note_repeated((f"{file}:{number}", request.target))
        self.outcomes[outcome] += 1

    def _classify(self, request: LoggedRequest) -> LineOutcome:
        selection = self.selection
        if request.minute > selection.now:
            raise ValueError("the time lies in the future")
        if request.minute < selection.since or (
            selection.until is not None and request.minute >= selection.until
        ):
            return LineOutcome.OUT_OF_RANGE
        if self._host is not None and request.host != self._host:
            return LineOutcome.OTHER_HOST
        if request.method != "GET":
            return LineOutcome.NOT_GET
        if request.status not in _READ_STATUSES:
            return LineOutcome.OTHER_STATUS
        article = selection.match_article(request.target)
        if article is None:
            return LineOutcome.NO_ARTICLE
        return self._classify_page_view(article, request)

    def _classify_page_view(self, article: str, request: LoggedRequest) -> LineOutcome:
        if request.user_agent is None:
            self.without_user_agent += 1
        elif self.selection.bot_rule.bot_pattern(request.user_agent[:MAX_USER_AGENT_LENGTH]):
            return LineOutcome.BOT
        if request.is_prefetch:
            return LineOutcome.PREFETCH
        if is_private(request.network):
            self.private_clients[request.network] += 1
        self.views.add(article, request.minute, (request.network, request.user_agent))
        return LineOutcome.VIEW

    def _note_repeated(self, example: tuple[str, str]) -> None:
        """Note the first view that repeats one of the first 100,000."""
        view_id = self.views.last_id
        if view_id in self._ids:
            self.examples[LineOutcome.REPEATED] = example
            self._ids.clear()
        elif len(self._ids) < _MAX_EXAMPLE_IDS:
            self._ids.add(view_id)


def _reason(outcome: LineOutcome, request: LoggedRequest) -> str:
    """Return the part of a request that decided about it."""
    if outcome is LineOutcome.BOT:
        return request.user_agent or "no user agent"
    if outcome is LineOutcome.OTHER_HOST:
        return request.host or "no host"
    if outcome is LineOutcome.NOT_GET:
        return f"{request.method} {request.target}"
    if outcome is LineOutcome.OTHER_STATUS:
        return f"{request.status} {request.target}"
    return request.target
