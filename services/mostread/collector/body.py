"""Reading the body of a request: inflated, bounded, in time, and every failure an answer."""

import asyncio

from aiohttp import hdrs, web
from aiohttp.web import RequestPayloadError

from mostread.collector.bearer import Refused
from mostread.collector.inflate import FORMATS, NotInflatable, TooLarge, inflate
from mostread.collector.settings import MAX_BODY_BYTES
from mostread.web.connections import connection_of
from mostread.web.problem import problem


async def read(request: web.Request, patience_seconds: float) -> bytes:
    """Return the body as it was before it was compressed. Raises Refused.

    It has `patience_seconds` to arrive.
    """
    encoding = request.headers.get(hdrs.CONTENT_ENCODING, "identity").lower()
    if encoding != "identity" and encoding not in FORMATS:
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
        body = await _whole(request, patience_seconds)
        if encoding != "identity":
            body = inflate(body, FORMATS[encoding], MAX_BODY_BYTES)
    except (web.HTTPRequestEntityTooLarge, TooLarge) as error:
        detail = f"The body is larger than {MAX_BODY_BYTES} bytes."
        raise Refused(too_large(detail)) from error
    except TimeoutError as error:
        raise Refused(_too_slow(patience_seconds)) from error
    except (RequestPayloadError, NotInflatable) as error:
        detail = "The body does not inflate, or ended early."
        raise Refused(problem(400, "unreadable-body", "Bad Request", detail)) from error
    return body


async def _whole(request: web.Request, patience_seconds: float) -> bytes:
    """Wait for all of the body, as it was sent."""
    if (request.content_length or 0) > MAX_BODY_BYTES:
        raise web.HTTPRequestEntityTooLarge(MAX_BODY_BYTES)
    if request.content.is_eof():  # it is all there, as small ones mostly are
        body = await request.read()
    else:
        async with asyncio.timeout(patience_seconds):
            body = await request.read()
    connection = connection_of(request)
    if connection is not None:
        connection.works(len(body))
    return body


def too_large(detail: str) -> web.Response:
    """Return the answer to a request that holds too much."""
    return problem(413, "too-large", "Content Too Large", f"{detail} Send it in several requests.")


def _too_slow(patience_seconds: float) -> web.Response:
    detail = f"The body was not here within {patience_seconds:g} s. Send less in one request."
    answer = problem(408, "too-slow", "Request Timeout", detail)
    answer.force_close()
    return answer
