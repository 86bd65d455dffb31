"""Bearer tokens and their roles. Settings contain only hashes, which grant nothing."""

import hashlib
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from mostread.errors import Forbidden

# The audit log names the token that made a decision.
_NAME = re.compile(r"[^\x00-\x1f]{1,64}")
_SITES = re.compile(r"[A-Za-z0-9._-]{1,64}(\+[A-Za-z0-9._-]{1,64})*")


class Role(StrEnum):
    """Role of a token."""

    EMIT = "emit"
    """Send events that are not public, such as retracting a like or a comment."""
    CMS = "cms"
    """Write metadata of articles."""
    EDITOR = "editor"
    """Write metadata and placements of articles."""
    VIEWER = "viewer"
    """Read the pages of a ranking service that shows them only to those who are signed in."""
    ADMIN = "admin"
    """Everything that an editor may; delete the numbers of articles."""


ADMINS = frozenset({Role.ADMIN})
"""Roles that may delete numbers."""
EDITORS = ADMINS | {Role.EDITOR}
"""Roles that may decide about articles."""
DESCRIBERS = EDITORS | {Role.CMS}
"""Roles that may describe articles."""
PEOPLE = EDITORS | {Role.VIEWER}
"""Roles of people; the others are for programs, which do not sign in."""


@dataclass(frozen=True)
class Token:
    """A stored token; `digest` is the hexadecimal SHA-256 of its secret.

    It is valid for `sites` only; none are named: for all.
    """

    name: str
    role: Role
    digest: str
    sites: frozenset[str] = frozenset()

    def covers(self, site: str) -> bool:
        """Return whether the token is valid for a site."""
        return not self.sites or site in self.sites

    def require_site(self, site: str) -> None:
        """Raise Forbidden unless the token is valid for a site."""
        if not self.covers(site):
            raise Forbidden(
                f"The token {self.name!r} is not for the site {site!r}; it is for "
                f"{', '.join(sorted(self.sites))}."
            )

    @property
    def written(self) -> str:
        """The token as `parse_tokens` reads it."""
        sites = ":" + "+".join(sorted(self.sites)) if self.sites else ""
        return f"{self.name}:{self.role}:{self.digest}{sites}"


def hash_token(token: str) -> str:
    """Return the digest of a token, as in MOSTREAD_COLLECTOR_TOKENS.

    A plain SHA-256 suffices for randomly generated tokens of 128 bits or more, which cannot be
    guessed however cheap the hash is.
    """
    return hashlib.sha256(token.encode()).hexdigest()


def parse_tokens(value: str) -> tuple[Token, ...]:
    """Parse `name:role:sha256hex` or `name:role:sha256hex:site+site`, separated by commas.

    Raises ValueError, whose message contains no hash.
    """
    tokens = []
    for entry in filter(None, (part.strip() for part in value.split(","))):
        name, _, rest = entry.partition(":")
        role, _, rest = rest.partition(":")
        digest, limited, sites = rest.partition(":")
        if not _NAME.fullmatch(name):
            raise ValueError(f"the token {name!r} needs a name of 1 to 64 characters")
        if role not in set(Role):
            roles = "|".join(Role)
            raise ValueError(f"the token {name!r} needs a role: name:{roles}:sha256hex")
        digest = digest.lower()
        if len(digest) != 64 or set(digest) - set("0123456789abcdef"):
            raise ValueError(f"the token {name!r} needs the 64 hexadecimal digits of a SHA-256")
        if limited and not _SITES.fullmatch(sites):
            raise ValueError(f"the token {name!r} needs sites like news+sport after its last colon")
        tokens.append(Token(name, Role(role), digest, frozenset(filter(None, sites.split("+")))))
    return tuple(tokens)


def find_token(tokens: Iterable[Token], secret: str) -> Token | None:
    """Return the token with this secret, in time independent of the stored digests."""
    digest = hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()
    match = None
    for token in tokens:
        if hmac.compare_digest(token.digest, digest):
            match = token
    return match
