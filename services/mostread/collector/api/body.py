"""Read and decompress request bodies, limited in size and time."""

import asyncio
import zlib

from aiohttp import hdrs, web
from aiohttp.web import RequestPayloadError

from mostread.collector.config import MAX_BODY_BYTES
from mostread.errors import PayloadTooLarge, RequestTimeout, UnreadableBody, UnsupportedEncoding
from mostread.infra.http.connections import connection_of

_ZLIB_WBITS = zlib.MAX_WBITS
WBITS = {"gzip": 16 + zlib.MAX_WBITS, "deflate": _ZLIB_WBITS}
"""zlib's `wbits` for each supported Content-Encoding."""

_TOO_LARGE = f"The body is larger than {MAX_BODY_BYTES} bytes."
_UNREADABLE = "The body cannot be decompressed, or it ended early."


async def read_body(request: web.Request) -> bytes:
    """Return the decompressed body.

    Raises UnsupportedEncoding, PayloadTooLarge, RequestTimeout and UnreadableBody.
    """
    encoding = request.headers.get(hdrs.CONTENT_ENCODING, "identity").lower()
    if encoding != "identity" and encoding not in WBITS:
        raise UnsupportedEncoding(
            "Send the body as it is or with `Content-Encoding: gzip`.", supported="gzip, deflate"
        )
    try:
        body = await _receive(request)
    except web.HTTPRequestEntityTooLarge as error:
        raise PayloadTooLarge(_TOO_LARGE) from error
    except TimeoutError as error:
        raise RequestTimeout(
            "The body took too long to arrive. Send less in one request."
        ) from error
    except RequestPayloadError as error:
        raise UnreadableBody(_UNREADABLE) from error
    return body if encoding == "identity" else decompress(body, WBITS[encoding], MAX_BODY_BYTES)


async def _receive(request: web.Request) -> bytes:
    """Return the body as it was sent."""
    connection = connection_of(request)
    if (request.content_length or 0) > MAX_BODY_BYTES:
        raise web.HTTPRequestEntityTooLarge(MAX_BODY_BYTES)
    if request.content.is_eof():  # a small body has usually arrived with its head
        body = await request.read()
    else:
        try:
            async with asyncio.timeout(connection.client_seconds if connection else None):
                body = await request.read()
        except (RequestPayloadError, ConnectionError) as error:
            # aiohttp's stream keeps the error, whose traceback keeps the stream and everything
            # read so far: a cycle of up to a MiB until the next garbage collection.
            error.__traceback__ = None
            raise
    if connection is not None:
        connection.mark_active(len(body))
    return body


def decompress(body: bytes, wbits: int, max_bytes: int) -> bytes:
    """Return the decompressed body.

    Raises PayloadTooLarge beyond `max_bytes`, and UnreadableBody if the body is not exactly one
    complete stream.
    """
    if wbits == _ZLIB_WBITS and body[:1] and body[0] & 0xF != zlib.DEFLATED:
        wbits = -wbits  # many clients send a raw deflate stream and call it deflate
    decompressor = zlib.decompressobj(wbits)
    try:
        data = decompressor.decompress(body, max_bytes + 1)
    except zlib.error as error:
        raise UnreadableBody(_UNREADABLE) from error
    if len(data) > max_bytes:
        raise PayloadTooLarge(_TOO_LARGE)
    if not decompressor.eof or decompressor.unused_data:
        raise UnreadableBody(_UNREADABLE)
    return data
