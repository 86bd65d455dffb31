"""Tracking pixel: count a view without JavaScript, in feeds and in mail.

It counts views only. An embedded image is requested by every reader of the embedding page, and a
reader must not like or comment on an article by opening another page.
"""

import base64
from collections.abc import Mapping

import msgspec

from mostread.collector.pipeline.strict_decoder import Rejection, RejectReason, no_valid_event
from mostread.errors import Unavailable
from mostread.infra.http.cors import CorsPolicy
from mostread.infra.http.messages import Response
from mostread.infra.http.problems import problem_response

PATH = "/v1/pixel.gif"
UNBLOCKED_PATH = "/v1/image"
CORS = CorsPolicy(embeddable=True, credentials=True)
GIF = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAICRAEAOw==")
"""One transparent pixel, 43 bytes."""
FIELDS = ("article_id", "site", "type", "id", "visitor")


def view_from_query(query: Mapping[str, str]) -> bytes:
    """Return the view that a query describes, as JSON still to be validated.

    Other parameters are ignored: pages add some to bypass caches. Raises NoValidEvent.
    """
    fields = {name: query[name] for name in FIELDS if name in query}
    if fields.setdefault("type", "view") != "view":
        raise no_valid_event(
            [
                Rejection(
                    0,
                    RejectReason.SCHEMA,
                    "The pixel counts views only; send comments and likes with POST /v1/events.",
                )
            ]
        )
    try:
        return msgspec.json.encode(fields)
    except UnicodeEncodeError:
        rejection = Rejection(
            0, RejectReason.SYNTAX, "The query is not UTF-8; percent-encode UTF-8 as browsers do."
        )
        raise no_valid_event([rejection]) from None


def image() -> Response:
    """Return the image, which no cache may store."""
    return Response(GIF, content_type="image/gif", headers={"Cache-Control": "no-store"})


def unavailable_image(error: Unavailable) -> Response:
    """Return the image with the status and Retry-After of `error`.

    A page shows the image regardless; image proxies of mail services retry.
    """
    problem = problem_response(error)
    if problem is None:
        raise error
    response = image()
    response.status = problem.status
    response.headers["Retry-After"] = problem.headers["Retry-After"]
    return response
