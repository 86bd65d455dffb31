"""Read request bodies within limits of size, time and memory.

Granian hands a body over in chunks as they arrive and leaves the limits to the application. All
incomplete bodies of a process together occupy at most `http_max_buffered_bytes`: at that limit the
oldest of them fails, which a well-behaved client's never is.
"""

import asyncio
import zlib
from codecs import BOM_UTF8
from contextlib import suppress
from dataclasses import dataclass

from mostread.errors import (
    BodyInterrupted,
    MostreadError,
    PayloadTooLarge,
    RequestTimeout,
    UnreadableBody,
    UnsupportedEncoding,
)
from mostread.infra.http.messages import Request

MAX_BODY_BYTES = 1 << 20
"""Maximum size of a request body, before and after decompression."""

REQUEST_BYTES = 10 << 10
"""Memory of a request besides its body, which counts too: HTTP/2 has many on one connection."""

_ZLIB_WBITS = zlib.MAX_WBITS
_GZIP_WBITS = 16 + zlib.MAX_WBITS
_WBITS = {"gzip": _GZIP_WBITS, "x-gzip": _GZIP_WBITS, "deflate": _ZLIB_WBITS}
_SWEEP_SECONDS = 1.0
_DISCARD_SECONDS = 2.0
_DISCARD_BYTES = 8 << 20
_TOO_LARGE = f"The body is larger than {MAX_BODY_BYTES} bytes."
_UNREADABLE = "The body cannot be decompressed, or it ended early."


@dataclass(eq=False, slots=True)
class IncompleteBody:
    """A body that a task is reading; `error` ends it."""

    task: asyncio.Task[object]
    started_at: float
    size: int = 0
    error: MostreadError | None = None

    def interrupt(self, error: MostreadError) -> None:
        """Raise `error` in the handler that reads the body."""
        if self.error is None:
            self.error = error
            self.task.cancel()


class BodyReader:
    """Reads bodies; `timeout` is in seconds, `max_buffered` in bytes over all of them."""

    def __init__(self, timeout: float, max_buffered: int) -> None:
        self._timeout = timeout
        self._max_buffered = max_buffered
        self._buffered = 0
        self._incomplete: dict[IncompleteBody, None] = {}

    async def read(self, request: Request) -> bytes:
        """Return the decompressed body of a request, without a byte order mark.

        Raises UnsupportedEncoding, PayloadTooLarge, RequestTimeout, UnreadableBody, and
        BodyInterrupted if the service needs the memory or stops.
        """
        encoding = request.headers.get("Content-Encoding", "identity").lower()
        if encoding != "identity" and encoding not in _WBITS:
            raise UnsupportedEncoding(
                "Send the body as it is or with `Content-Encoding: gzip`.",
                supported="gzip, deflate",
            )
        length = request.content_length
        if length is not None and length > MAX_BODY_BYTES:
            raise PayloadTooLarge(_TOO_LARGE)
        task: asyncio.Task[object] = asyncio.current_task()  # type: ignore[assignment]
        incomplete = IncompleteBody(task, task.get_loop().time())
        self._incomplete[incomplete] = None
        self._reserve(REQUEST_BYTES)
        try:
            body = await self._receive(request, length, incomplete)
        except asyncio.CancelledError:
            error, incomplete.error = incomplete.error, None
            if error is None:
                raise
            task.uncancel()
            try:
                raise error from None
            finally:
                # Its traceback leads to this frame; a reference back would keep the body in
                # memory until the garbage collector runs.
                del error
        finally:
            self._release(incomplete)
        if encoding != "identity":
            body = decompress(body, _WBITS[encoding])
        return body.removeprefix(BOM_UTF8)

    async def discard(self, request: Request) -> None:
        """Receive a body that no handler read, after the response and within limits.

        If the connection closed while the client still sends, the client would lose the response.
        """
        has_body = request.content_length or request.headers.get("Transfer-Encoding")
        if request.is_body_taken or not has_body:
            return
        received = 0
        # Granian cancels what still receives when it stops.
        with suppress(TimeoutError, asyncio.CancelledError):
            async with asyncio.timeout(_DISCARD_SECONDS):
                async for chunk in request.protocol:
                    received += len(chunk)
                    if not chunk or received > _DISCARD_BYTES:
                        return

    async def sweep(self) -> None:
        """Interrupt bodies at their timeout, until cancelled."""
        while True:
            await asyncio.sleep(_SWEEP_SECONDS)
            since = asyncio.get_running_loop().time() - self._timeout
            for incomplete in list(self._incomplete):
                if incomplete.started_at > since:
                    break
                incomplete.interrupt(
                    RequestTimeout("The body took too long to arrive. Send less in one request.")
                )

    def interrupt_all(self) -> None:
        """Interrupt every incomplete body, because the service stops."""
        for incomplete in list(self._incomplete):
            incomplete.interrupt(BodyInterrupted("The service is stopping."))

    async def _receive(
        self, request: Request, length: int | None, incomplete: IncompleteBody
    ) -> bytes:
        """Return the body as it was sent."""
        if length == 0:
            return b""
        chunks: list[bytes] = []
        ended = False
        request.is_body_taken = True
        async for chunk in request.protocol:
            if not chunk:
                # Granian ends a body with one empty chunk, and a broken one with two.
                if ended:
                    raise UnreadableBody(_UNREADABLE)
                ended = True
                continue
            if not chunks and len(chunk) == length:
                return bytes(chunk)
            chunks.append(chunk)
            incomplete.size += len(chunk)
            self._reserve(len(chunk))
            if incomplete.error is not None:
                await asyncio.sleep(0)  # the task interrupted itself: receive the cancellation
            if incomplete.size > MAX_BODY_BYTES:
                raise PayloadTooLarge(_TOO_LARGE)
            if incomplete.size == length:
                break
        if length is not None and incomplete.size < length:
            raise UnreadableBody(_UNREADABLE)  # a stream of HTTP/2 that was reset without an error
        return b"".join(chunks)

    def _reserve(self, size: int) -> None:
        """Count memory, and interrupt the oldest bodies beyond the limit."""
        self._buffered += size
        while self._buffered > self._max_buffered:
            oldest = next(iter(self._incomplete))
            self._release(oldest)
            oldest.interrupt(BodyInterrupted("Too many bodies arrive slowly."))

    def _release(self, incomplete: IncompleteBody) -> None:
        """Count a body no more, whether it is complete or interrupted."""
        if incomplete in self._incomplete:
            del self._incomplete[incomplete]
            self._buffered -= REQUEST_BYTES + incomplete.size


def decompress(body: bytes, wbits: int, max_bytes: int = MAX_BODY_BYTES) -> bytes:
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
