"""Reading the body of a request: inflated, bounded, and every failure an answer."""

from aiohttp import hdrs, web
from aiohttp.http_exceptions import ContentEncodingError
from aiohttp.web import RequestPayloadError

from mostread.collector.bearer import Refused
from mostread.collector.settings import MAX_BODY_BYTES
from mostread.web.problem import problem

ENCODINGS = frozenset({"gzip", "deflate", "identity"})


async def read(request: web.Request) -> bytes:
    """Return the body as it was before it was compressed. Raises Refused.

    aiohttp inflates piece by piece and stops where the body is larger than the application's
    client_max_size, so that a small body that inflates to much costs no more than the limit.
    """
    encoding = request.headers.get(hdrs.CONTENT_ENCODING)
    if encoding is not None and encoding.lower() not in ENCODINGS:
        raise Refused(
            problem(
                415,
                "unsupported-encoding",
                "Unsupported Media Type",
                "Send the body as it is or with `Content-Encoding: gzip`.",
                headers={"Accept-Encoding": "gzip, deflate"},
            )
        )
    try:
        return await request.read()
    except web.HTTPRequestEntityTooLarge as error:
        raise Refused(too_large(f"The body is larger than {MAX_BODY_BYTES} bytes.")) from error
    except (RequestPayloadError, ContentEncodingError) as error:
        detail = "The body does not inflate, or ended early."
        raise Refused(problem(400, "unreadable-body", "Bad Request", detail)) from error


def too_large(detail: str) -> web.Response:
    """Return the answer to a request that holds too much."""
    return problem(413, "too-large", "Content Too Large", f"{detail} Send it in several requests.")
