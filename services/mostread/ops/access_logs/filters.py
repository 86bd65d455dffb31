"""Access log filters: which lines count as views, by named steps in order."""

from dataclasses import dataclass, field
from enum import StrEnum

from mostread.core.bots import MAX_USER_AGENT_LENGTH, is_bot
from mostread.ops.access_logs.article_matcher import ArticleMatcher
from mostread.ops.access_logs.files import LineLocation
from mostread.ops.access_logs.parser import LoggedRequest, parse_line
from mostread.ops.access_logs.views import ViewLog

_MAX_MALFORMED_EXAMPLES = 10
_MAX_TARGET_EXAMPLES = 3
_READ_STATUSES = frozenset({"200", "304"})
"""304: the browser shows the page from its cache."""
_PREFETCH_SIGNS = ('"prefetch', '"preview', "purpose: prefetch")


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


@dataclass
class LineFilter:
    """Sorts log lines into views and others.

    REPEATED stays 0 here: repeated views are only known once all lines are read.
    """

    selection: RequestSelection
    views: ViewLog = field(default_factory=ViewLog)
    outcomes: dict[LineOutcome, int] = field(default_factory=lambda: dict.fromkeys(LineOutcome, 0))
    malformed: list[str] = field(default_factory=list)
    """The first malformed lines, each with its location."""
    unmatched_targets: list[str] = field(default_factory=list)
    """The first few targets that are not articles."""
    has_user_agents: bool = False
    """Whether any line is in the combined format."""

    def add(self, location: LineLocation, line: str) -> None:
        """Classify a line and record its view; ignore an empty line."""
        if not line:
            return
        try:
            outcome = self._classify(parse_line(line))
        except ValueError as error:
            outcome = LineOutcome.MALFORMED
            if len(self.malformed) < _MAX_MALFORMED_EXAMPLES:
                self.malformed.append(f"{location}: {error}")
        self.outcomes[outcome] += 1

    def _classify(self, request: LoggedRequest) -> LineOutcome:
        selection = self.selection
        if request.minute > selection.now:
            raise ValueError("the time lies in the future")
        if request.minute < selection.since or (
            selection.until is not None and request.minute >= selection.until
        ):
            return LineOutcome.OUT_OF_RANGE
        if selection.host is not None and request.host != selection.host:
            return LineOutcome.OTHER_HOST
        if request.method != "GET":
            return LineOutcome.NOT_GET
        if request.status not in _READ_STATUSES:
            return LineOutcome.OTHER_STATUS
        article = selection.match_article(request.target)
        if article is None:
            self._add_unmatched(request.target)
            return LineOutcome.NO_ARTICLE
        return self._classify_page_view(article, request)

    def _classify_page_view(self, article: str, request: LoggedRequest) -> LineOutcome:
        if request.user_agent is not None:
            self.has_user_agents = True
            if is_bot(request.user_agent[:MAX_USER_AGENT_LENGTH]):
                return LineOutcome.BOT
        if request.rest and any(sign in request.rest.lower() for sign in _PREFETCH_SIGNS):
            return LineOutcome.PREFETCH
        self.views.add(article, request.minute, (request.address, request.user_agent))
        return LineOutcome.VIEW

    def _add_unmatched(self, target: str) -> None:
        examples = self.unmatched_targets
        if len(examples) < _MAX_TARGET_EXAMPLES and target not in examples:
            examples.append(target)
