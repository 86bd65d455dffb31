"""Bearer authentication of HTTP requests."""

from mostread.errors import Forbidden, Unauthorized
from mostread.infra.auth.tokens import Role, Token, find_token, format_expiry
from mostread.infra.http.messages import Headers


def authenticate(headers: Headers, tokens: tuple[Token, ...], now_ms: int) -> Token | None:
    """Return the token of a request, None without a Bearer token.

    A browser adds the Basic credentials of a page's own site by itself. Raises Unauthorized if the
    token is not one of `tokens`, or has expired.
    """
    authorization = headers.get("Authorization")
    if authorization is None:
        return None
    scheme, _, credentials = authorization.strip().partition(" ")
    if credentials and scheme.lower() != "bearer":
        return None
    token = find_token(tokens, credentials.strip()) if credentials else None
    if token is None:
        raise Unauthorized(
            "The token is unknown; send one that exists as `Authorization: Bearer <token>`, or "
            "no header.",
            invalid_token=True,
        )
    require_unexpired(token, now_ms)
    return token


def require_unexpired(token: Token, now_ms: int) -> None:
    """Raise Unauthorized if a token has expired."""
    if token.expires is not None and token.has_expired(now_ms):
        raise Unauthorized(
            f"The token {token.name!r} expired at {format_expiry(token.expires)}; ask for a new "
            "one (`mostread token rotate`).",
            invalid_token=True,
        )


def require_role(token: Token | None, roles: frozenset[Role]) -> Token:
    """Return the token of a request. Raises Unauthorized without one, Forbidden outside `roles`."""
    wanted = " or ".join(sorted(roles))
    if token is None:
        raise Unauthorized(f"Send `Authorization: Bearer <token>` of the role {wanted}.")
    if token.role not in roles:
        raise Forbidden(f"The token {token.name!r} has the role {token.role}; this needs {wanted}.")
    return token
