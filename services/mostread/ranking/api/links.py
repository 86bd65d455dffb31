"""Read-only links: POST /v1/links makes one, GET /share/{link} lets a browser in."""

from typing import Annotated

import msgspec

from mostread.errors import InvalidBody
from mostread.infra.http.application import Application
from mostread.infra.http.messages import Request, Response
from mostread.ranking.api import serializers
from mostread.ranking.api.responses import NO_STORE
from mostread.ranking.auth.access import Access
from mostread.ranking.auth.links import MAX_DAYS, is_page, site_of
from mostread.ranking.pages.templating import PageRenderer, reader_language


class _Wanted(msgspec.Struct, forbid_unknown_fields=True):
    page: str = ""
    # In JSON, 7.0 is an integer.
    days: Annotated[float, msgspec.Meta(ge=1, le=MAX_DAYS, multiple_of=1)] = 7


_decode = msgspec.json.Decoder(_Wanted).decode


def add_link_routes(app: Application, access: Access, pages: PageRenderer) -> None:
    """Add the routes to `app`."""

    async def make_link(request: Request) -> Response:
        body = await app.bodies.read(request)
        try:
            wanted = _decode(body)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise InvalidBody(f'{error}. Send {{"page": "?window=24h", "days": 7}}.') from error
        if not is_page(wanted.page):
            raise InvalidBody(
                "page is not a page of this service; send its address relative to the root, such "
                "as ?window=24h or articles/4711."
            )
        editor = access.require_editor(request, site_of(wanted.page))
        text, link = access.links.make(wanted.page, int(wanted.days), editor.token)
        document = {
            "path": f"share/{text}",
            "site": link.site,
            "expires": serializers.rfc3339(link.expires_at),
        }
        response = Response.json(serializers.encode(document), status=201)
        response.headers["Cache-Control"] = NO_STORE
        return response

    async def enter(request: Request) -> Response:
        text = request.path_params["link"]
        link = access.read_link(text)
        if link is None:
            return pages.expired_link(request, reader_language(request))
        headers = {
            # Relative, so that it stays on this service: `is_page` knows no other.
            "Location": f"../{link.page}",
            "Cache-Control": NO_STORE,
            "Referrer-Policy": "no-referrer",
        }
        if access.needs_link(request, link):
            headers["Set-Cookie"] = access.links.enter(request, text, link)
        return Response(status=303, headers=headers)

    app.add("POST", "/v1/links", make_link)
    app.add("GET", "/share/{link}", enter)
