"""Values signed with secrets that processes share, so that clients cannot change them."""

import hashlib
from collections.abc import Sequence
from typing import Generic, TypeVar

import msgspec
from itsdangerous import BadData, URLSafeSerializer
from pydantic import SecretStr

MIN_SECRET_CHARACTERS = 32

T = TypeVar("T", bound=msgspec.Struct)


def parse_secrets(text: SecretStr) -> tuple[str, ...]:
    """Return secrets separated by commas: the first signs, all verify. Raises ValueError."""
    secrets = tuple(filter(None, (part.strip() for part in text.get_secret_value().split(","))))
    if any(len(secret) < MIN_SECRET_CHARACTERS for secret in secrets):
        raise ValueError("a secret is too short; use the output of `openssl rand -hex 32`")
    return secrets


def check_secrets(text: SecretStr) -> SecretStr:
    """Validate a setting that `parse_secrets` reads."""
    parse_secrets(text)
    return text


class Signer(Generic[T]):
    """Signs values of one type for one purpose; a value for another purpose is invalid."""

    def __init__(self, secrets: Sequence[str], purpose: str, kind: type[T]) -> None:
        """Derive a key for `purpose` from each secret: the first signs, all verify."""
        self._kind = kind
        self._serializer = URLSafeSerializer(
            # itsdangerous signs with the last key.
            [*reversed(secrets)],
            salt=f"mostread {purpose}",
            signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
        )

    def sign(self, value: T) -> str:
        """Return the value with its signature, as characters that are safe in URLs and headers."""
        return str(self._serializer.dumps(msgspec.to_builtins(value)))

    def verify(self, text: str) -> T | None:
        """Return the signed value, None if no secret signed it for this purpose."""
        try:
            return msgspec.convert(
                self._serializer.loads(text.encode("ascii", "replace")), self._kind
            )
        except (BadData, msgspec.ValidationError):
            return None
