"""Bearer authentication of HTTP requests."""

from mostread.errors import Forbidden, Unauthorized
from mostread.infra.auth.tokens import Role, Token, find_token
from mostread.infra.http.messages import Headers


def authenticate(headers: Headers, tokens: tuple[Token, ...]) -> Token | None:
    """Return the token of a request, None without a Bearer token.

    A browser adds the Basic credentials of a page's own site by itself. Raises Unauthorized if the
    token is not one of `tokens`.
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
    return token


def require_role(headers: Headers, tokens: tuple[Token, ...], roles: frozenset[Role]) -> Token:
    """Return the token of a request. Raises Unauthorized, and Forbidden outside `roles`."""
    token = authenticate(headers, tokens)
    wanted = " or ".join(sorted(roles))
    if token is None:
        raise Unauthorized(f"Send `Authorization: Bearer <token>` of the role {wanted}.")
    if token.role not in roles:
        raise Forbidden(f"The token {token.name!r} has the role {token.role}; this needs {wanted}.")
    return token
