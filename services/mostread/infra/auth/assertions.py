"""Assertions: the ranking service tells the collector which editor sends a request.

Browsers sign in to the ranking service only. It forwards their decisions with an assertion, which
is valid for one request, with its body, for a minute.
"""

import hashlib
from collections.abc import Callable, Sequence

import msgspec

from mostread.errors import Unauthorized
from mostread.infra.auth.signing import Signer

SCHEME = "Mostread"
"""The scheme of the header Authorization that carries an assertion."""

LIFETIME_MS = 60_000
"""How long an assertion is valid, and how much two clocks may differ."""


class Assertion(msgspec.Struct, frozen=True):
    """The editor `name` sends a request, identified by its digest, at `at` (ms)."""

    name: str
    digest: str
    at: int


class Assertions:
    """Makes and verifies assertions; `clock` is in milliseconds."""

    def __init__(self, secrets: Sequence[str], clock: Callable[[], int]) -> None:
        """`secrets` are those of both services; none: no assertion is valid."""
        self._signer = Signer(secrets, "assertion", Assertion) if secrets else None
        self._clock = clock

    def make(self, name: str, digest: str) -> str:
        """Return the header Authorization of a request. Raises ValueError without a secret."""
        if self._signer is None:
            raise ValueError("an assertion needs a secret")
        return f"{SCHEME} {self._signer.sign(Assertion(name, digest, self._clock()))}"

    def verify(self, authorization: str | None) -> Assertion | None:
        """Return the assertion of a header, None if it has another scheme. Raises Unauthorized."""
        scheme, _, text = (authorization or "").strip().partition(" ")
        if scheme.lower() != SCHEME.lower():
            return None
        assertion = self._signer.verify(text.strip()) if self._signer else None
        if assertion is None:
            raise Unauthorized(
                "The assertion is not signed with this collector's secret; set "
                "MOSTREAD_COLLECTOR_SESSION_SECRET to the MOSTREAD_RANKING_SESSION_SECRET of the "
                "ranking service."
            )
        age = self._clock() - assertion.at
        if abs(age) > LIFETIME_MS:
            raise Unauthorized(
                f"The assertion is {age / 1000:.0f} s old; it is valid for "
                f"{LIFETIME_MS // 1000} s. If this repeats, synchronise the clocks of the ranking "
                "service and the collector."
            )
        return assertion


def request_digest(method: str, site: str, article_id: str, body: bytes) -> str:
    """Return the digest that binds an assertion to one request."""
    head = f"{method}\n{site}\n{article_id}\n".encode("utf-8", "surrogateescape")
    return hashlib.sha256(head + body).hexdigest()
