"""Signing in and out: /v1/session."""

from urllib.parse import parse_qsl

import msgspec

from mostread.errors import Forbidden, InvalidBody, Unauthorized
from mostread.infra.http.application import Application
from mostread.infra.http.messages import Request, RequestedChange, Response
from mostread.ranking.api import serializers
from mostread.ranking.api.responses import NO_STORE
from mostread.ranking.auth.access import Access
from mostread.ranking.auth.identity import Identity
from mostread.ranking.auth.links import is_return_page, site_of
from mostread.ranking.auth.same_origin import require_same_origin
from mostread.ranking.pages.templating import PageRenderer

PATH = "/v1/session"
_FORM = "application/x-www-form-urlencoded"


class _Credentials(msgspec.Struct, forbid_unknown_fields=True):
    token: str


_decode = msgspec.json.Decoder(_Credentials).decode


def add_session_routes(app: Application, access: Access, pages: PageRenderer) -> None:
    """Add the routes to `app`."""

    async def sign_in(request: Request) -> Response:
        is_form = request.headers.get("Content-Type", "").partition(";")[0].lower() == _FORM
        # Only browsers send forms.
        require_same_origin(request, access.public_url, browser=is_form)
        body = await app.bodies.read(request)
        if is_form:
            return sign_in_by_form(request, body)
        try:
            credentials = _decode(body)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise InvalidBody(f'{error}. Send {{"token": "..."}}.') from error
        identity, cookie = access.sign_in(request, credentials.token.strip())
        response = _describe(identity)
        response.headers["Set-Cookie"] = cookie
        return response

    def sign_in_by_form(request: Request, body: bytes) -> Response:
        fields = dict(parse_qsl(body.decode("ascii", "replace")))
        page = fields.get("page", "")
        if not is_return_page(page):
            page = ""
        try:
            _, cookie = access.sign_in(request, fields.get("token", "").strip())
        except (Unauthorized, Forbidden) as error:
            unknown = isinstance(error, Unauthorized)
            return pages.sign_in(
                request,
                site=site_of(page),
                page=page,
                root="../",
                status=401 if unknown else 403,
                wrong="token_unknown" if unknown else "token_for_programs",
            )
        # Relative, so that it stays on this service.
        headers = {"Location": f"../{page}", "Set-Cookie": cookie, "Cache-Control": NO_STORE}
        return Response(status=303, headers=headers)

    async def get_session(request: Request) -> Response:
        identity = access.identify(request)
        if identity is None:
            raise Unauthorized("Nobody is signed in.")
        return _describe(identity)

    async def sign_out(request: Request) -> Response:
        require_same_origin(request, access.public_url)
        if (identity := access.known(request)) is not None:
            request.change = RequestedChange(
                identity.name, identity.role or "", identity.signed_in_by
            )
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
