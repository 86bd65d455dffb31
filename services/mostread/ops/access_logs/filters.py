"""Which lines are views: named steps in order, as a publisher would ask them."""

from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache

from crawleruseragents import is_crawler

from mostread.ops.access_logs.article_matcher import Finder
from mostread.ops.access_logs.files import Place
from mostread.ops.access_logs.parser import Request, parse
from mostread.ops.access_logs.views import Views

_SHOWN = 10
_READ = frozenset({"200", "304"})
"""304: the reader's browser has the page already, and shows it."""
_PREFETCH = ('"prefetch', '"preview', "purpose: prefetch")
_is_bot = lru_cache(maxsize=50_000)(is_crawler)


class Outcome(StrEnum):
    """What became of a line: a closed set, in the order of the steps."""

    MALFORMED = "malformed"
    OUTSIDE = "outside"
    OTHER_HOST = "other host"
    NO_GET = "no GET"
    NOT_READ = "not read"
    NO_ARTICLE = "no article"
    BOT = "bots"
    PREFETCH = "prefetched"
    REPEATED = "repeated"
    VIEW = "views"


@dataclass(frozen=True)
class Wanted:
    """Which requests are meant. Minutes since the epoch; `since` inclusive, `until` exclusive."""

    article: Finder
    now: int
    since: int = 0
    until: int | None = None
    host: str | None = None


@dataclass
class Admitted:
    """What became of the lines so far. REPEATED is known only when all are read."""

    wanted: Wanted
    views: Views = field(default_factory=Views)
    outcomes: dict[Outcome, int] = field(default_factory=lambda: dict.fromkeys(Outcome, 0))
    malformed: list[str] = field(default_factory=list)
    """The first ten, each with its place."""
    no_article: list[str] = field(default_factory=list)
    """The first few addresses that are no article's."""
    names_agents: bool = False
    """Whether any line is in the combined format."""

    def take(self, place: Place, line: str) -> None:
        """Look at a line. An empty one is none."""
        if not line:
            return
        try:
            outcome = self._outcome(parse(line))
        except ValueError as error:
            outcome = Outcome.MALFORMED
            if len(self.malformed) < _SHOWN:
                self.malformed.append(f"{place}: {error}")
        self.outcomes[outcome] += 1

    def _outcome(self, request: Request) -> Outcome:
        wanted = self.wanted
        if request.minute > wanted.now:
            raise ValueError("its time lies in the future")
        if request.minute < wanted.since or (
            wanted.until is not None and request.minute >= wanted.until
        ):
            return Outcome.OUTSIDE
        if wanted.host is not None and request.host != wanted.host:
            return Outcome.OTHER_HOST
        if request.method != "GET":
            return Outcome.NO_GET
        if request.status not in _READ:
            return Outcome.NOT_READ
        article = wanted.article(request.target)
        if article is None:
            if len(self.no_article) < 3 and request.target not in self.no_article:
                self.no_article.append(request.target)
            return Outcome.NO_ARTICLE
        return self._of_article(article, request)

    def _of_article(self, article: str, request: Request) -> Outcome:
        agent = request.agent
        if agent is not None:
            self.names_agents = True
            # No browser hides what it is.
            if agent in ("", "-") or _is_bot(agent):
                return Outcome.BOT
        if request.rest and any(sign in request.rest.lower() for sign in _PREFETCH):
            return Outcome.PREFETCH
        self.views.add(article, request.minute, (request.address, agent))
        return Outcome.VIEW
