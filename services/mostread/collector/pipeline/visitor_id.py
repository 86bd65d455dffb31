"""Who a reader is and which view it was, without a cookie and without keeping an address.

A visitor is a hash of site, address and browser under a key that is another each day; so one
reader is the same visitor for a day, on one site, and nobody can tell from two days' or two
sites' visitors whether they are one. Only whoever has the secret could try addresses one by
one until a hash fits.

All keys come from one secret. Collectors keep nothing and there may be many: with the same
secret they give the same names.
"""

import secrets
from functools import lru_cache
from hashlib import blake2b

from mostread.infra.logging import get_logger

log = get_logger(__name__)

DAY_MS = 86_400_000
HALF_HOUR_MS = 1_800_000


class Identity:
    """Names of visitors and views, under keys made from `secret`."""

    def __init__(self, secret: str) -> None:
        self._secret = blake2b(secret.encode(), digest_size=64).digest()
        # Hashes that have taken in their key: a copy of one is cheaper than to begin anew.
        self._views = self._keyed("view", 16)
        self._visitors_of = lru_cache(64)(lambda day: self._keyed(f"visitor {day}", 8))

    def visitor(self, site: str, household: str, user_agent: str, at_ms: int) -> str:
        """Return the visitor of `household` with this browser, on the UTC day of `at_ms`.

        A half hour never lies on two days, so a view's visitor is the same all through its own.
        """
        text = f"{site}\n{household}\n{user_agent}".encode("utf-8", "surrogateescape")
        visitors = self._visitors_of(at_ms // DAY_MS).copy()
        visitors.update(text)
        return visitors.hexdigest()

    def view(self, site: str, article_id: str, visitor: str, at_ms: int) -> str:
        """Return the id that all views of an article by a visitor share, for half an hour.

        It is keyed too: nobody can work out the id of somebody else's view and send it first.
        """
        text = f"{site}\n{article_id}\n{at_ms // HALF_HOUR_MS}\n{visitor}".encode()
        views = self._views.copy()
        views.update(text)
        return views.hexdigest()

    def _keyed(self, purpose: str, digest_size: int) -> blake2b:
        key = blake2b(purpose.encode(), key=self._secret, digest_size=32).digest()
        return blake2b(key=key, digest_size=digest_size)


def new_identity(secret: str) -> Identity:
    """Return the names that come from `secret`; of a random one, and say so, where it is empty."""
    if not secret:
        log.warning(
            "visitor_secret_not_set",
            advice="visitors get other names with each start and in each collector, so a reader "
            "who reloads a page may count again; set MOSTREAD_COLLECTOR_VISITOR_SECRET",
        )
    return Identity(secret or secrets.token_hex(32))
