"""Bearer tokens and their roles. Settings contain only hashes, which grant nothing."""

import hashlib
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from mostread.errors import Forbidden

# The audit log names the token that made a decision.
_NAME = re.compile(r"[^\x00-\x1f]{1,64}")
_EXPIRY = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\dZ)?", re.ASCII)
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

    It is valid for `sites` only, and until `expires`; none are named: for all; None: for good.
    """

    name: str
    role: Role
    digest: str
    sites: frozenset[str] = frozenset()
    expires: datetime | None = None

    def has_expired(self, now_ms: int) -> bool:
        """Return whether the token is no longer valid."""
        return self.expires is not None and self.expires.timestamp() * 1000 <= now_ms

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
        fields = [self.name, self.role, self.digest, "+".join(sorted(self.sites))]
        if self.expires is not None:
            fields.append(format_expiry(self.expires))
        return ":".join(fields).rstrip(":")


def format_expiry(expires: datetime) -> str:
    """Return a time as tokens have it: 2027-01-31T12:00:00Z."""
    return f"{expires.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def parse_expiry(text: str) -> datetime:
    """Return the time of `format_expiry`, or the begin of a day in UTC. Raises ValueError."""
    if not _EXPIRY.fullmatch(text):
        raise ValueError("write a time like 2027-01-31 or 2027-01-31T12:00:00Z")
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def hash_token(token: str) -> str:
    """Return the digest of a token, as in MOSTREAD_COLLECTOR_TOKENS.

    A plain SHA-256 suffices for randomly generated tokens of 128 bits or more, which cannot be
    guessed however cheap the hash is.
    """
    return hashlib.sha256(token.encode()).hexdigest()


def parse_tokens(value: str) -> tuple[Token, ...]:
    """Parse `name:role:sha256hex`, which `:site+site` and `:expiry` may follow, comma-separated.

    Without sites, an expiry follows two colons. During a rotation two tokens have the same name.
    Raises ValueError, whose message contains no hash.
    """
    tokens = []
    for entry in filter(None, (part.strip() for part in value.split(","))):
        name, _, rest = entry.partition(":")
        role, _, rest = rest.partition(":")
        digest, limited, rest = rest.partition(":")
        sites, expiring, expiry = rest.partition(":")
        if not _NAME.fullmatch(name):
            raise ValueError(f"the token {name!r} needs a name of 1 to 64 characters")
        if role not in set(Role):
            roles = "|".join(Role)
            raise ValueError(f"the token {name!r} needs a role: name:{roles}:sha256hex")
        digest = digest.lower()
        if len(digest) != 64 or set(digest) - set("0123456789abcdef"):
            raise ValueError(f"the token {name!r} needs the 64 hexadecimal digits of a SHA-256")
        if limited and not _SITES.fullmatch(sites) and not (expiring and not sites):
            raise ValueError(f"the token {name!r} needs sites like news+sport after its hash")
        try:
            expires = parse_expiry(expiry) if expiring else None
        except ValueError as error:
            raise ValueError(f"the expiry of the token {name!r} is not valid; {error}") from None
        chosen = frozenset(filter(None, sites.split("+")))
        tokens.append(Token(name, Role(role), digest, chosen, expires))
    return tuple(tokens)


def find_token(tokens: Iterable[Token], secret: str) -> Token | None:
    """Return the token with this secret, in time independent of the stored digests."""
    digest = hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()
    match = None
    for token in tokens:
        if hmac.compare_digest(token.digest, digest):
            match = token
    return match


def rotate(
    tokens: Iterable[Token], new: Token, *, now: datetime, overlap: timedelta
) -> list[Token]:
    """Return `tokens` with `new`, and those of its name only until `overlap` has passed."""
    rotated = []
    end = now + overlap
    for token in tokens:
        if token.name != new.name:
            rotated.append(token)
            continue
        expires = min(token.expires or end, end)
        if expires > now:
            rotated.append(replace(token, expires=expires))
    return [*rotated, new]


def current_tokens(tokens: Iterable[Token]) -> list[Token]:
    """Return the token of each name that lasts longest: others are about to be replaced by it."""
    longest: dict[str, Token] = {}
    for token in tokens:
        known = longest.get(token.name)
        if known is None or _end(token) >= _end(known):
            longest[token.name] = token
    return list(longest.values())


def _end(token: Token) -> datetime:
    return token.expires or datetime.max.replace(tzinfo=UTC)
