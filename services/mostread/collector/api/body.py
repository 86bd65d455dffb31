"""Reading the body of a request: inflated, bounded, in time, and every failure an answer."""

import asyncio
import zlib

from aiohttp import hdrs, web
from aiohttp.web import RequestPayloadError

from mostread.collector.config import MAX_BODY_BYTES
from mostread.infra.http.auth import Refused
from mostread.infra.http.connections import connection_of
from mostread.infra.http.problems import problem


async def read(request: web.Request) -> bytes:
    """Return the body as it was before it was compressed. Raises Refused."""
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
        body = await _whole(request)
        if encoding != "identity":
            body = inflate(body, FORMATS[encoding], MAX_BODY_BYTES)
    except (web.HTTPRequestEntityTooLarge, TooLarge) as error:
        detail = f"The body is larger than {MAX_BODY_BYTES} bytes."
        raise Refused(too_large(detail)) from error
    except TimeoutError as error:
        raise Refused(_too_slow()) from error
    except (RequestPayloadError, NotInflatable) as error:
        detail = "The body does not inflate, or ended early."
        raise Refused(problem(400, "unreadable-body", "Bad Request", detail)) from error
    return body


async def _whole(request: web.Request) -> bytes:
    """Wait for all of the body, as it was sent."""
    connection = connection_of(request)
    if (request.content_length or 0) > MAX_BODY_BYTES:
        raise web.HTTPRequestEntityTooLarge(MAX_BODY_BYTES)
    if request.content.is_eof():  # it is all there, as small ones mostly are
        body = await request.read()
    else:
        try:
            async with asyncio.timeout(connection.client_seconds if connection else None):
                body = await request.read()
        except (RequestPayloadError, ConnectionError) as error:
            # aiohttp's stream keeps the error, whose traceback keeps the stream and all that
            # was read: a circle, and as many MiB until the garbage collector finds it.
            error.__traceback__ = None
            raise
    if connection is not None:
        connection.mark_active(len(body))
    return body


def too_large(detail: str) -> web.Response:
    """Return the answer to a request that holds too much."""
    return problem(413, "too-large", "Content Too Large", f"{detail} Send it in several requests.")


def _too_slow() -> web.Response:
    detail = "The body took too long to come. Send less in one request."
    answer = problem(408, "request-timeout", "Request Timeout", detail)
    answer.force_close()
    return answer


_AS_ZLIB = zlib.MAX_WBITS
FORMATS = {"gzip": 16 + zlib.MAX_WBITS, "deflate": _AS_ZLIB}
"""What zlib calls each Content-Encoding."""


class NotInflatable(Exception):
    """It is damaged, it ends early, or something follows it."""


class TooLarge(Exception):
    """It becomes larger than it may."""


def inflate(body: bytes, wbits: int, most: int) -> bytes:
    """Return what `body` inflates to. Raises NotInflatable, and TooLarge beyond `most` bytes."""
    if wbits == _AS_ZLIB and body[:1] and body[0] & 0xF != zlib.DEFLATED:
        wbits = -wbits  # many clients send the bare stream and call it deflate
    inflating = zlib.decompressobj(wbits)
    try:
        inflated = inflating.decompress(body, most + 1)
    except zlib.error as error:
        raise NotInflatable from error
    if len(inflated) > most:
        raise TooLarge
    if not inflating.eof or inflating.unused_data:
        raise NotInflatable
    return inflated
