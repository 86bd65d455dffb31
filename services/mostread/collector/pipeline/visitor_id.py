"""Ids of visitors and views, without cookies and without storing addresses.

A visitor id is a hash of site, client network and user agent under a key that changes every day.
A reader therefore keeps one id for a day on one site, and ids of two days or two sites cannot be
linked. Only a holder of the secret could test addresses one by one until a hash matches.

All keys are derived from one secret. Collectors store nothing, and any number of them with the
same secret produce the same ids.
"""

import secrets
from functools import lru_cache
from hashlib import blake2b

from mostread.core.retention import VIEW_SLOT_MS
from mostread.infra.logging import get_logger

log = get_logger(__name__)

DAY_MS = 86_400_000


class IdHasher:
    """Hash visitors and views under keys derived from `secret`."""

    def __init__(self, secret: str) -> None:
        self._secret = blake2b(secret.encode(), digest_size=64).digest()
        # These hashes have absorbed their key: copying one costs less than creating it.
        self._view_hash = self._keyed("view", 16)
        self._receipt_hash = self._keyed("receipt", 16)
        self._visitor_hash = lru_cache(64)(lambda day: self._keyed(f"visitor {day}", 8))

    def visitor_id(self, site: str, network: str, user_agent: str, at_ms: int) -> str:
        """Return the visitor id of a network and user agent on the UTC day of `at_ms`.

        A half hour never spans two days, so a view's visitor is constant within its half hour.
        """
        text = f"{site}\n{network}\n{user_agent}".encode("utf-8", "surrogateescape")
        visitors = self._visitor_hash(at_ms // DAY_MS).copy()
        visitors.update(text)
        return visitors.hexdigest()

    def view_id(self, site: str, article_id: str, visitor: str, at_ms: int) -> str:
        """Return the id shared by a visitor's views of an article within one half hour.

        It is keyed too, so a client cannot compute another reader's view id and send it first.
        """
        text = f"{site}\n{article_id}\n{at_ms // VIEW_SLOT_MS}\n{visitor}".encode()
        views = self._view_hash.copy()
        views.update(text)
        return views.hexdigest()

    def receipt(self, site: str, article_id: str, event_id: str) -> str:
        """Return the hash that proves who sent a like."""
        receipts = self._receipt_hash.copy()
        receipts.update(f"{site}\n{article_id}\n{event_id}".encode())
        return receipts.hexdigest()

    def _keyed(self, purpose: str, digest_size: int) -> blake2b:
        key = blake2b(purpose.encode(), key=self._secret, digest_size=32).digest()
        return blake2b(key=key, digest_size=digest_size)


def new_id_hasher(secret: str) -> IdHasher:
    """Return a hasher for `secret`; without one, use a random secret and log a warning."""
    if not secret:
        log.warning(
            "visitor_secret_not_set",
            advice="visitor ids change with every start and differ between collectors, so a "
            "reader who reloads a page may count again; set MOSTREAD_COLLECTOR_VISITOR_SECRET",
        )
    return IdHasher(secret or secrets.token_hex(32))
