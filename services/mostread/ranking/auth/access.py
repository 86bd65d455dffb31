"""Who may do what: recognises the sender of a request and checks the permissions.

The editorial log contains names and reasons, and undescribed articles have titles that anybody may
have written: only editors may read these, of the sites they are editors of.
"""

import secrets
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from urllib.parse import quote, urlsplit

from mostread.errors import EditorAccessDisabled, Forbidden, Unauthorized
from mostread.infra.auth.assertions import Assertions
from mostread.infra.auth.signing import parse_secrets
from mostread.infra.auth.token_store import TokenStore
from mostread.infra.auth.tokens import PEOPLE, Token, find_token
from mostread.infra.http.auth import authenticate, require_unexpired
from mostread.infra.http.changes import addressed_articles
from mostread.infra.http.messages import Request, RequestedChange
from mostread.infra.logging import get_logger
from mostread.ranking.auth.identity import Identity
from mostread.ranking.auth.links import Link, Links
from mostread.ranking.auth.proxy import ProxySignIn
from mostread.ranking.auth.same_origin import changes_something, require_same_origin
from mostread.ranking.auth.sessions import Sessions, of_token
from mostread.ranking.config import RankingSettings
from mostread.ranking.metrics import RankingMetrics

log = get_logger(__name__)


class Access:
    """Recognises who sends a request.

    `enabled` tells whether anybody can sign in, `by_token` whether with a token. `can_decide` tells
    whether decisions can be forwarded to a collector, `closed` whether only those who are signed in
    see the pages.
    """

    def __init__(
        self, settings: RankingSettings, metrics: RankingMetrics, clock: Callable[[], int]
    ) -> None:
        """Load the tokens. Raises InvalidFile if the token file cannot be read."""
        self._clock = clock
        self.by_token = bool(settings.ranking_tokens or settings.ranking_tokens_file)
        self.proxy = ProxySignIn(
            settings.ranking_trusted_proxies,
            settings.ranking_proxy_user_header,
            settings.ranking_proxy_groups_header,
            settings.ranking_proxy_groups,
            secret=settings.ranking_proxy_secret.get_secret_value(),
        )
        self.enabled = self.by_token or self.proxy.enabled
        self.can_decide = bool(settings.ranking_collector_url)
        self.closed = settings.ranking_dashboard == "signed_in"
        self.sign_in_url = settings.ranking_proxy_sign_in_url
        self.sign_out_url = settings.ranking_proxy_sign_out_url
        self.session_days = settings.ranking_session_days
        self.public_url = settings.ranking_public_url
        self._tokens = TokenStore(
            settings.ranking_tokens, settings.ranking_tokens_file, metrics.tokens
        )
        known = parse_secrets(settings.ranking_session_secret)
        self.assertions = Assertions(known, clock)
        if self.enabled and not known:
            log.warning(
                "session_secret_not_set",
                advice="sessions and links end when this process does, and other processes do not "
                "know them; set MOSTREAD_RANKING_SESSION_SECRET to the output of "
                "`openssl rand -hex 32`",
            )
        signing = known or (secrets.token_hex(32),)
        self._path = path = urlsplit(self.public_url).path.rstrip("/") + "/"
        self.sessions = Sessions(signing, clock, seconds=self.session_days * 86_400, path=path)
        self.links = Links(signing, clock, path)

    def following(self) -> AbstractAsyncContextManager[None]:
        """Reload the token file when it changes, until the end of the block."""
        return self._tokens.following()

    def sign_in_link(self, page: str) -> str:
        """Return the link to the proxy's sign-in, which can lead back to `page`."""
        return self.sign_in_url.replace("{page}", quote(self._path + page, safe=""))

    def identify(self, request: Request) -> Identity | None:
        """Return who sends a request. Raises Unauthorized for a Bearer token that is not valid."""
        token: Token | None = None
        unknown: Unauthorized | None = None
        try:
            token = authenticate(request.headers, self._tokens.tokens, self._clock())
        except Unauthorized as error:
            # It may be a proxy's own.
            unknown = error
        if token is not None:
            return of_token(token)
        identity = self._person(request)
        if identity is None and unknown is not None:
            raise unknown
        link = self.links.find(request, self._tokens.tokens)
        if identity is None or link is None:
            return identity or link
        return replace(identity, grants=identity.grants + link.grants)

    def sign_in(self, request: Request, secret: str) -> tuple[Identity, str]:
        """Return who signed in with a token, and the header Set-Cookie of the session.

        Raises Unauthorized for a token that is unknown or has expired, and Forbidden for one of a
        program.
        """
        self._require_enabled(self.by_token)
        token = find_token(self._tokens.tokens, secret)
        if token is None:
            raise Unauthorized("The token is unknown.", invalid_token=True)
        request.change = RequestedChange(token.name, token.role, "token")
        require_unexpired(token, self._clock())
        if token.role not in PEOPLE:
            raise Forbidden(
                f"The token {token.name!r} has the role {token.role}; signing in needs admin, "
                "editor or viewer."
            )
        return self.sessions.start(request, token)

    def require_editor(self, request: Request, site: str) -> Identity:
        """Return the editor of a site who sends a request.

        Raises Unauthorized, and Forbidden for others and for requests of foreign pages.
        """
        self._require_enabled(self.enabled)
        identity = self.identify(request)
        if identity is None:
            raise Unauthorized("Sign in as an editor, or send `Authorization: Bearer <token>`.")
        if changes_something(request):
            request.change = RequestedChange(
                identity.name, identity.role or "", identity.signed_in_by
            )
            request.change.articles = {site: addressed_articles(request)}
            if identity.ambient:
                require_same_origin(request, self.public_url)
        if not identity.may_decide(site):
            raise Forbidden(
                f"{identity.name!r} is not an editor of the site {site!r}; ask for this role."
            )
        return identity

    def is_editor(self, request: Request, site: str) -> bool:
        """Return whether an editor of a site sends a request.

        A proxy may require credentials of its own in the same header, so others are ignored.
        """
        identity = self.known(request)
        return identity is not None and identity.may_decide(site)

    def known(self, request: Request) -> Identity | None:
        """Return who sends a request, None for credentials that are not known."""
        try:
            return self.identify(request)
        except Unauthorized:
            return None

    def read_link(self, text: str) -> Link | None:
        """Return a link if it is valid."""
        return self.links.read(text, self._tokens.tokens)

    def needs_link(self, request: Request, link: Link) -> bool:
        """Return whether the sender of a request may view the site only by a link."""
        identity = self._person(request)
        return identity is None or not identity.may_view(link.site)

    def _person(self, request: Request) -> Identity | None:
        return self.sessions.find(request, self._tokens.tokens) or self.proxy.find(request)

    @staticmethod
    def _require_enabled(enabled: bool) -> None:
        if not enabled:
            raise EditorAccessDisabled(
                "No tokens are configured, so nobody may read what only editors may; set "
                "MOSTREAD_RANKING_TOKENS_FILE."
            )
