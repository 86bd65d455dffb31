"""Who of the newsroom is asking. The log of decisions names people and their reasons: editors
alone may read it, while everything else here is public."""

from collections.abc import AsyncIterator

from aiohttp import web

from mostread.infra.auth.token_store import TokenStore
from mostread.infra.auth.tokens import Role
from mostread.infra.http import auth as bearer
from mostread.infra.http.auth import Refused
from mostread.infra.http.problems import problem
from mostread.ranking.config import RankingSettings
from mostread.ranking.metrics import Metrics

_EDITORS = frozenset({Role.EDITOR})


class Newsroom:
    """What editors need of this service: that it knows them, and where decisions are sent.

    `collector` is an address that ends in a slash, empty where none is set.
    """

    def __init__(self, settings: RankingSettings, metrics: Metrics) -> None:
        """Raise InvalidFile where the file of tokens cannot be read."""
        self.knows_editors = bool(settings.ranking_tokens or settings.ranking_tokens_file)
        self.collector = settings.collector_url
        self._known = TokenStore(
            settings.ranking_tokens, settings.ranking_tokens_file, metrics.tokens_file_invalid
        )

    async def follow(self, app: web.Application) -> AsyncIterator[None]:
        """See changes of the file, as long as an application lives."""
        async for _ in self._known.follow(app):
            yield

    def require_editor(self, request: web.Request) -> None:
        """Raise Refused where it is no editor who asks."""
        if not self.knows_editors:
            raise Refused(
                problem(
                    403,
                    "audit-log-disabled",
                    "Forbidden",
                    "This service knows no tokens, so that nobody may read the log. An operator "
                    "opens it to editors by MOSTREAD_RANKING_TOKENS_FILE.",
                )
            )
        bearer.require(request, self._known.tokens, _EDITORS)
