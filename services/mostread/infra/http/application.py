"""The RSGI application of a service: routes, errors, CORS headers, request ids and metrics."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import aclosing, suppress
from time import perf_counter

from granian.rsgi import HTTPProtocol, ProtocolClosed, Scope

from mostread.errors import BadRequest, MostreadError, TooManyRequests
from mostread.infra import request_id
from mostread.infra.http.backlog import StreamBacklog
from mostread.infra.http.body import BodyReader
from mostread.infra.http.changes import log_change
from mostread.infra.http.config import ServiceSettings
from mostread.infra.http.cors import PRIVATE, CorsPolicy
from mostread.infra.http.messages import Request, Response, StreamResponse
from mostread.infra.http.problems import (
    internal_error,
    method_not_allowed,
    not_found,
    problem_response,
    refusal_delay,
)
from mostread.infra.http.routing import Handler, Route, Router
from mostread.infra.logging import get_logger

log = get_logger(__name__)

Admit = Callable[[Request, str], Response | None]
"""Returns the response to a request that may not have the route of this path, None for others."""

Observe = Callable[[str, int, float], None]
"""Records a response: path of its route, status, and duration in seconds."""

_BAD_REQUEST = 400
UNMATCHED = "other"
"""Path under which requests without a route are measured."""


def _admit_all(request: Request, path: str) -> None:
    pass


def _ignore(path: str, status: int, seconds: float) -> None:
    pass


class Application:
    """Dispatches requests to handlers; `stop` ends streams and incomplete bodies.

    `cors` holds the policies of routes by path. `observe` records every response but endless
    streams. `admit` decides before a handler does, and again before each chunk of a stream; it may
    raise MostreadError.
    """

    def __init__(
        self,
        settings: ServiceSettings,
        *,
        cors: Mapping[str, CorsPolicy] | None = None,
        observe: Observe = _ignore,
        admit: Admit = _admit_all,
    ) -> None:
        self.bodies = BodyReader(
            settings.http_client_timeout_seconds, settings.http_max_buffered_bytes
        )
        self.backlog = StreamBacklog()
        self.in_progress = 0
        """Requests that are being answered, streams included."""
        # HTTP/2 permits a hundred requests per connection.
        self._max_in_progress = settings.http_max_connections
        self._router = Router(cors or {})
        self._observe = observe
        self._admit = admit
        self._streams: set[asyncio.Task[None]] = set()
        self._stopping = False

    def add(self, method: str, path: str, handler: Handler, *, head: bool = True) -> None:
        """Add a route; see routing.py. With `head`, one of GET also answers HEAD."""
        self._router.add(method, path, handler, head=head)

    def add_aliases(self, path: str, *aliases: str) -> None:
        """Serve a route under further paths; see routing.py."""
        self._router.add_aliases(path, *aliases)

    async def __rsgi__(self, scope: Scope, protocol: HTTPProtocol) -> None:
        """Answer one request."""
        self.in_progress += 1
        try:
            await self._answer(scope, protocol)
        finally:
            self.in_progress -= 1

    def stop(self) -> None:
        """End all streams and refuse new ones."""
        self._stopping = True
        for stream in self._streams:
            stream.cancel()

    async def _answer(self, scope: Scope, protocol: HTTPProtocol) -> None:
        started = perf_counter()
        request = Request(scope, protocol)
        chosen = request_id.begin(
            request.headers.get("traceparent"), request.headers.get(request_id.HEADER)
        )
        route = self._router.match(request)
        response = await self._respond(request, route)
        headers = [*response.headers.items(), (request_id.HEADER, chosen)]
        private = response.headers.get("Cache-Control") == PRIVATE
        if route is not None and route.cors is not None and not private:
            headers += route.cors.headers_for(request, lambda: route.allow)
        path = UNMATCHED if route is None else route.path
        if isinstance(response, StreamResponse):
            await self._stream(request, path, response, headers)
            if not response.is_endless:
                self._observe(path, response.status, perf_counter() - started)
            return
        if request.change is not None:
            log_change(request, path, response.status)
        if request.method == "HEAD" and response.body:
            # hyper would send the body over HTTP/2, which clients take for an error.
            headers.append(("Content-Length", str(len(response.body))))
            protocol.response_empty(response.status, headers)
        else:
            protocol.response_bytes(response.status, headers, response.body)
        self._observe(path, response.status, perf_counter() - started)
        if response.status >= _BAD_REQUEST and "Connection" not in response.headers:
            await self.bodies.discard(request)

    async def _respond(self, request: Request, route: Route | None) -> Response | StreamResponse:
        try:
            if self.in_progress > self._max_in_progress:
                raise TooManyRequests("Too many requests are in progress.")
            _check_head(request)
            if route is None:
                return not_found(request)
            handler = route.handlers.get(request.method)
            if handler is None:
                if request.method == "OPTIONS" and route.cors is not None:
                    return Response(status=204)
                return method_not_allowed(request, route.allow)
            return self._admit(request, route.path) or await handler(request)
        except MostreadError as error:
            if delay := refusal_delay(error):
                await asyncio.sleep(delay)
            return problem_response(error) or internal_error(request)
        except Exception:
            return internal_error(request)

    def _admits(self, request: Request, path: str) -> bool:
        try:
            return self._admit(request, path) is None
        except MostreadError:
            return False

    async def _stream(
        self,
        request: Request,
        path: str,
        response: StreamResponse,
        headers: list[tuple[str, str]],
    ) -> None:
        """Send chunks until they end, the client disconnects or the service stops."""
        protocol, client = request.protocol, request.scope.client
        transport = protocol.response_stream(response.status, headers)

        async def send() -> None:
            try:
                async with aclosing(response.chunks) as chunks:
                    async for chunk in chunks:
                        if not self._admits(request, path):
                            break  # signed out meanwhile
                        if response.is_endless:
                            self.backlog.add(client, len(chunk))
                        await transport.send_bytes(chunk)
            except ProtocolClosed:
                pass  # the client may disconnect at any time
            except asyncio.CancelledError:
                with suppress(ProtocolClosed):
                    await transport.send_bytes(response.end())
                raise
            except Exception:
                # Here, because outside its traceback would keep the transport open.
                log.exception("stream_failed", path=request.path)

        self.backlog.open(client)
        sending = asyncio.create_task(send())
        self._streams.add(sending)
        if self._stopping:
            sending.cancel()
        gone = asyncio.ensure_future(protocol.client_disconnect())
        try:
            await asyncio.wait({sending, gone}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._streams.discard(sending)
            for task in (sending, gone):
                task.cancel()
            with suppress(asyncio.CancelledError):
                await sending
            self.backlog.close(client)


def _check_head(request: Request) -> None:
    """Raise BadRequest for heads that a proxy might understand differently.

    hyper, Granian's parser, rejects everything else that is ambiguous: two lengths, folded
    lines, spaces before a colon.
    """
    coding = request.headers.get("Transfer-Encoding", "")
    if coding and coding.lower() != "chunked":
        raise BadRequest("The only supported Transfer-Encoding is chunked.")
    if len(request.headers.get_all("Host")) > 1:
        raise BadRequest("The request has several Host headers; send one.")
