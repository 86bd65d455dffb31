"""Bearer tokens: who may do what. Only hashes are kept, so a leaked setting opens nothing."""

import hashlib
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

# A name stands in the log of what its bearer decided.
_NAME = re.compile(r"[^\x00-\x1f]{1,64}")


class Role(StrEnum):
    """What a token is for."""

    EMIT = "emit"
    """Events that not everybody may send: taking back a like or a comment."""
    CMS = "cms"
    """Telling about articles."""
    EDITOR = "editor"
    """Telling about articles, and deciding where they stand."""


@dataclass(frozen=True)
class Token:
    """A token as it is kept; `digest` is the hexadecimal SHA-256 of what the bearer shows."""

    name: str
    role: Role
    digest: str


def hash_token(token: str) -> str:
    """Return what MOSTREAD_COLLECTOR_TOKENS and its like hold of a token.

    A plain SHA-256: it is enough for a token out of a random generator, of 128 bits and more,
    which nobody can guess whatever the hash costs.
    """
    return hashlib.sha256(token.encode()).hexdigest()


def parse_tokens(value: str) -> tuple[Token, ...]:
    """Read `name:role:sha256hex`, separated by commas. Raises ValueError, and quotes no hash."""
    tokens = []
    for entry in filter(None, (part.strip() for part in value.split(","))):
        name, _, rest = entry.partition(":")
        role, _, digest = rest.partition(":")
        if not _NAME.fullmatch(name):
            raise ValueError(f"the token {name!r} needs a name of 1 to 64 characters")
        if role not in set(Role):
            raise ValueError(f"the token {name!r} needs a role: name:emit|cms|editor:sha256hex")
        digest = digest.lower()
        if len(digest) != 64 or set(digest) - set("0123456789abcdef"):
            raise ValueError(f"the token {name!r} needs the 64 hexadecimal digits of a SHA-256")
        tokens.append(Token(name, Role(role), digest))
    return tuple(tokens)


def find(tokens: Iterable[Token], shown: str) -> Token | None:
    """Return the token that was shown; the time it takes tells nothing about those kept."""
    digest = hashlib.sha256(shown.encode("utf-8", "surrogateescape")).hexdigest()
    found = None
    for token in tokens:
        if hmac.compare_digest(token.digest, digest):
            found = token
    return found
