"""Sessions: a signed cookie stands for the token that somebody signed in with.

The cookie names the token by a hash and holds nothing else, so revoking the token, or changing its
role or sites, changes every session of it as soon as the service has read its tokens again.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import msgspec

from mostread.infra.auth.signing import Signer
from mostread.infra.auth.tokens import PEOPLE, Token
from mostread.infra.http.messages import Request
from mostread.ranking.auth.cookies import Cookie
from mostread.ranking.auth.identity import Grant, Identity

COOKIE = "mostread_session"


class Session(msgspec.Struct, frozen=True):
    """The content of the cookie; `expires` is in seconds since the epoch."""

    token: str
    expires: int


class Sessions:
    """Starts sessions and recognises them; `clock` is in milliseconds, `seconds` their length."""

    def __init__(
        self, secrets: Sequence[str], clock: Callable[[], int], *, seconds: int, path: str
    ) -> None:
        self._signer = Signer(secrets, "session", Session)
        self._clock = clock
        self._seconds = seconds
        self._cookie = Cookie(COOKIE, path)

    def start(self, request: Request, token: Token) -> tuple[Identity, str]:
        """Return who signed in with a token, and the header Set-Cookie of the session.

        A session ends with its token at the latest.
        """
        now = self._clock() // 1000
        expires = now + self._seconds
        if token.expires is not None:
            expires = min(expires, int(token.expires.timestamp()))
        session = Session(token_id(token), expires)
        cookie = self._cookie.set(request, self._signer.sign(session), expires - now)
        return _identity(token, session), cookie

    def end(self, request: Request) -> str:
        """Return the header Set-Cookie that ends the session in this browser."""
        return self._cookie.clear(request)

    def find(self, request: Request, tokens: Iterable[Token]) -> Identity | None:
        """Return who is signed in by the cookie of a request with one of `tokens`."""
        for value in self._cookie.values(request):
            session = self._signer.verify(value)
            if session is None or session.expires * 1000 <= self._clock():
                continue
            for token in tokens:
                if token_id(token) != session.token or token.has_expired(self._clock()):
                    continue
                if token.role in PEOPLE:
                    return _identity(token, session)
        return None


def token_id(token: Token) -> str:
    """Return a name of a token that changes with its secret, and is not its digest."""
    return hashlib.sha256(b"session " + token.digest.encode()).hexdigest()[:32]


def of_token(token: Token) -> Identity:
    """Return the identity of a Bearer token."""
    return Identity(token.name, (Grant(token.role, token.sites),), token=token_id(token))


def _identity(token: Token, session: Session) -> Identity:
    expires = datetime.fromtimestamp(session.expires, UTC)
    return replace(of_token(token), expires=expires, ambient=True)
