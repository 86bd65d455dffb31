"""Authentication of editors.

The editorial log contains names and reasons, and undescribed articles have titles that anybody may
have written: only editors may read these. Everything else in the ranking is public.
"""

from contextlib import AbstractAsyncContextManager

from mostread.errors import EditorAccessDisabled, Forbidden, Unauthorized
from mostread.infra.auth.token_store import TokenStore
from mostread.infra.auth.tokens import Role
from mostread.infra.http.auth import require_role
from mostread.infra.http.messages import Request
from mostread.ranking.config import RankingSettings
from mostread.ranking.metrics import RankingMetrics

_EDITOR = frozenset({Role.EDITOR})


class EditorAuth:
    """Verifies the tokens of editors.

    `enabled` tells whether any tokens are configured. `collector_url` is where pages send
    decisions: it ends in a slash, or is empty.
    """

    def __init__(self, settings: RankingSettings, metrics: RankingMetrics) -> None:
        """Load the tokens. Raises InvalidFile if the token file cannot be read."""
        self.enabled = bool(settings.ranking_tokens or settings.ranking_tokens_file)
        self.collector_url = settings.collector_url
        self._tokens = TokenStore(
            settings.ranking_tokens, settings.ranking_tokens_file, metrics.tokens_file_invalid
        )

    def following(self) -> AbstractAsyncContextManager[None]:
        """Reload the token file when it changes, until the end of the block."""
        return self._tokens.following()

    def require_editor(self, request: Request) -> None:
        """Raise Unauthorized or Forbidden unless the request carries an editor's token."""
        if not self.enabled:
            raise EditorAccessDisabled(
                "No tokens are configured, so nobody may read what only editors may; set "
                "MOSTREAD_RANKING_TOKENS_FILE."
            )
        require_role(request.headers, self._tokens.tokens, _EDITOR)

    def is_editor(self, request: Request) -> bool:
        """Return whether the request carries an editor's token.

        A proxy may require credentials of its own in the same header, so others are ignored.
        """
        try:
            self.require_editor(request)
        except (Unauthorized, Forbidden):
            return False
        return True
