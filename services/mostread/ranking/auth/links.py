"""Links that let anybody read the pages of a site for some time, and nothing else."""

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from hashlib import sha256

import msgspec

from mostread.infra.auth.signing import Signer
from mostread.infra.auth.tokens import EDITORS, Role, Token
from mostread.infra.http.messages import Request, parse_query
from mostread.ranking.auth.cookies import Cookie
from mostread.ranking.auth.identity import Grant, Identity
from mostread.ranking.auth.sessions import token_id

COOKIE = "mostread_link"
MAX_DAYS = 90
MAX_SITES = 16
"""Sites whose links a browser can use side by side."""

_DAY_SECONDS = 86_400
# Relative to the root of this service: no link leads elsewhere.
# An id of 128 Cyrillic letters has six characters for each; a cookie has room for no longer query.
_ARTICLE, _QUERY = r"articles/[\w.~%-]{1,768}", r"(\?[!-~]{0,1600})?"
_PAGE = re.compile(rf"({_ARTICLE})?{_QUERY}", re.ASCII)
_RETURN = re.compile(rf"({_ARTICLE}(/decisions)?|decisions)?{_QUERY}", re.ASCII)


class Link(msgspec.Struct, frozen=True):
    """The content of a link: a page to begin at, and when it ends, in seconds since the epoch.

    `token` is the id of the token with which it was made, empty without.
    """

    page: str
    token: str
    expires: int

    @property
    def site(self) -> str:
        """The site whose pages the link shows."""
        return site_of(self.page)

    @property
    def expires_at(self) -> datetime:
        return datetime.fromtimestamp(self.expires, UTC)


def is_page(page: str) -> bool:
    """Return whether `page` is the address of a page, relative to the root of the service."""
    return _PAGE.fullmatch(page) is not None


def is_return_page(page: str) -> bool:
    """Return whether signing in may lead to `page`: as `is_page`, and pages of decisions."""
    return _RETURN.fullmatch(page) is not None


def site_of(page: str) -> str:
    """Return the site of a page."""
    return parse_query(page.partition("?")[2]).get("site", "default")


class Links:
    """Makes links and recognises who came by one; `clock` is in milliseconds."""

    def __init__(self, secrets: Sequence[str], clock: Callable[[], int], path: str) -> None:
        self._signer = Signer(secrets, "link", Link)
        self._clock = clock
        self._cookie = Cookie(COOKIE, path, most=MAX_SITES)

    def make(self, page: str, days: int, token: str) -> tuple[str, Link]:
        """Return the text of a link to a page, and its content; `token` as in `Link`."""
        expires = self._clock() // 1000 + days * _DAY_SECONDS
        link = Link(page, token, expires)
        return self._signer.sign(link), link

    def read(self, text: str, tokens: Iterable[Token]) -> Link | None:
        """Return a link that is valid: it ends with the token of the editor who made it."""
        link = self._signer.verify(text)
        if link is None or link.expires * 1000 <= self._clock() or not is_page(link.page):
            return None
        if link.token and not any(
            token.role in EDITORS
            and token.covers(link.site)
            and token_id(token) == link.token
            and not token.has_expired(self._clock())
            for token in tokens
        ):
            return None
        return link

    def enter(self, request: Request, text: str, link: Link) -> str:
        """Return the header Set-Cookie that lets a browser in until the link ends."""
        # One for each site, so that they work side by side.
        suffix = f"-{sha256(link.site.encode()).hexdigest()[:8]}"
        return self._cookie.set(request, text, link.expires - self._clock() // 1000, suffix)

    def find(self, request: Request, tokens: Sequence[Token]) -> Identity | None:
        """Return the identity of a browser that came by valid links: a viewer of their sites."""
        read = [self.read(text, tokens) for text in self._cookie.values(request)]
        links = [link for link in read if link is not None]
        if not links:
            return None
        sites = frozenset(link.site for link in links)
        expires = min(link.expires_at for link in links)
        return Identity("", (Grant(Role.VIEWER, sites),), "link", expires, ambient=True)
