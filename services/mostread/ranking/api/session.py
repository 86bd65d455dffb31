"""Signing in and out: /v1/session."""

import msgspec

from mostread.errors import InvalidBody, Unauthorized
from mostread.infra.http.application import Application
from mostread.infra.http.messages import Request, Response
from mostread.ranking.api import serializers
from mostread.ranking.api.responses import NO_STORE
from mostread.ranking.auth.access import Access
from mostread.ranking.auth.identity import Identity
from mostread.ranking.auth.same_origin import require_same_origin

PATH = "/v1/session"


class _Credentials(msgspec.Struct, forbid_unknown_fields=True):
    token: str


_decode = msgspec.json.Decoder(_Credentials).decode


def add_session_routes(app: Application, access: Access) -> None:
    """Add the routes to `app`."""

    async def sign_in(request: Request) -> Response:
        body = await app.bodies.read(request)
        try:
            credentials = _decode(body)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise InvalidBody(f'{error}. Send {{"token": "..."}}.') from error
        identity, cookie = access.sign_in(request, credentials.token.strip())
        response = _describe(identity)
        response.headers["Set-Cookie"] = cookie
        return response

    async def get_session(request: Request) -> Response:
        identity = access.identify(request)
        if identity is None:
            raise Unauthorized("Nobody is signed in.")
        return _describe(identity)

    async def sign_out(request: Request) -> Response:
        require_same_origin(request, access.public_url)
        return Response(status=204, headers={"Set-Cookie": access.sessions.end(request)})

    app.add("POST", PATH, sign_in)
    app.add("GET", PATH, get_session)
    app.add("DELETE", PATH, sign_out)


def _describe(identity: Identity) -> Response:
    response = Response.json(
        serializers.encode(
            {
                "name": identity.name,
                "role": identity.role,
                "sites": identity.sites,
                "signed_in_by": identity.signed_in_by,
                "expires": serializers.rfc3339(identity.expires) if identity.expires else None,
            }
        )
    )
    response.headers["Cache-Control"] = NO_STORE
    return response
