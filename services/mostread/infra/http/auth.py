"""Bearer authentication of HTTP requests."""

from collections.abc import Mapping

from aiohttp import hdrs, web

from mostread.errors import Forbidden, Unauthorized
from mostread.infra.auth.tokens import Role, Token, find_token
from mostread.infra.http.problems import problem


def authenticate(headers: Mapping[str, str], tokens: tuple[Token, ...]) -> Token | None:
    """Return the token of a request, None without an Authorization header.

    Raises Unauthorized if the header is not one of `tokens`. `headers` ignores case.
    """
    authorization = headers.get("Authorization")
    if authorization is None:
        return None
    scheme, _, credentials = authorization.partition(" ")
    token = find_token(tokens, credentials.strip()) if scheme.lower() == "bearer" else None
    if token is None:
        raise Unauthorized("This token is not known here.", invalid_token=True)
    return token


def require_role(
    headers: Mapping[str, str], tokens: tuple[Token, ...], roles: frozenset[Role]
) -> Token:
    """Return the token of a request. Raises Unauthorized, and Forbidden outside `roles`."""
    token = authenticate(headers, tokens)
    wanted = " or ".join(sorted(roles))
    if token is None:
        raise Unauthorized(f"Send `Authorization: Bearer <token>` of the role {wanted}.")
    if token.role not in roles:
        raise Forbidden(f"The token {token.name!r} has the role {token.role}; this needs {wanted}.")
    return token


# Until collector and ranking raise instead: what follows goes with its last use.
class Refused(Exception):
    """The caller may not; `answer` is what to tell."""

    def __init__(self, answer: web.Response) -> None:
        super().__init__()
        self.answer = answer


def caller(request: web.Request, tokens: tuple[Token, ...]) -> Token | None:
    """Return the caller's token, None where none is shown. Raises Refused for an unknown one."""
    shown = request.headers.get(hdrs.AUTHORIZATION)
    if shown is None:
        return None
    scheme, _, credentials = shown.partition(" ")
    token = find_token(tokens, credentials.strip()) if scheme.lower() == "bearer" else None
    if token is None:
        raise Refused(_unauthorized("This token is not known here.", 'error="invalid_token"'))
    return token


def require(request: web.Request, tokens: tuple[Token, ...], roles: frozenset[Role]) -> Token:
    """Return the caller's token of one of `roles`; raises Refused."""
    token = caller(request, tokens)
    wanted = " or ".join(sorted(roles))
    if token is None:
        raise Refused(_unauthorized(f"Send `Authorization: Bearer <token>` of the role {wanted}."))
    if token.role not in roles:
        raise Refused(
            problem(
                403,
                "forbidden",
                "Forbidden",
                f"The token {token.name!r} has the role {token.role}; this needs {wanted}.",
            )
        )
    return token


def _unauthorized(detail: str, more: str = "") -> web.Response:
    challenge = 'Bearer realm="mostread"' + (f", {more}" if more else "")
    return problem(
        401, "unauthorized", "Unauthorized", detail, headers={hdrs.WWW_AUTHENTICATE: challenge}
    )
