"""Requests and responses, independent of routes.

A handler takes a `Request` and returns a `Response`, or a `StreamResponse` whose chunks it produces
while the client is connected. Application sends both through Granian's RSGI interface.
"""

from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol, overload
from urllib.parse import parse_qsl

from granian.rsgi import HTTPProtocol, Scope


class Headers(Protocol):
    """Request headers by name, in any case.

    Values that are not ASCII are missing; only `in` finds their names.
    """

    def __contains__(self, name: object, /) -> bool: ...
    def __getitem__(self, name: str, /) -> str:
        """Return the first value of a header, empty if it is not ASCII."""
        ...

    @overload
    def get(self, name: str, /) -> str | None: ...
    @overload
    def get(self, name: str, default: str, /) -> str:
        """Return the first value of a header."""
        ...

    def get_all(self, name: str, /) -> list[str]:
        """Return all values of a header, in order."""
        ...


def query_pairs(text: str) -> list[tuple[str, str]]:
    """Return the parameters of a query string in order; invalid UTF-8 becomes surrogates."""
    return parse_qsl(text, keep_blank_values=True, errors="surrogateescape")


def parse_query(text: str) -> Mapping[str, str]:
    """Return the first value of each parameter of a query string, as `Request.query`."""
    return dict(reversed(query_pairs(text)))


@dataclass(slots=True)
class RequestedChange:
    """A change that `by`, the name of a token or person, asks for.

    `signed_in_by` tells how the service knows: `token` (also of a session), `proxy`, `link`, or
    `ranking` for a request that the ranking service forwards.
    """

    by: str
    role: str
    signed_in_by: str
    articles: dict[str, list[str]] = field(default_factory=dict)
    """Ids of articles by site; without any, those in the path and query are logged."""

    def add(self, site: str, article_id: str) -> None:
        """Add an article that the request is about."""
        self.articles.setdefault(site, []).append(article_id)


class Request:
    """A request whose head has arrived; infra/http/body.py reads its body."""

    # No __slots__: `query` is cached, and most requests do not use it.
    def __init__(self, scope: Scope, protocol: HTTPProtocol) -> None:
        self.headers: Headers = scope.headers  # type: ignore[assignment]  # its stub lacks get_all
        self.method = scope.method
        self.path = scope.path
        """Path with percent-encoding decoded; bytes that are not UTF-8 become U+FFFD."""
        self.query_string: str = scope.query_string
        self.path_params: Mapping[str, str] = {}
        self.is_body_taken = False
        self.change: RequestedChange | None = None
        """Who asks to change what, once that is known; see changes.py."""
        self.scope = scope
        self.protocol = protocol

    @cached_property
    def query(self) -> Mapping[str, str]:
        """First value of each query parameter; bytes that are not UTF-8 become surrogates."""
        return parse_query(self.query_string)

    @property
    def peer(self) -> str:
        """Address that the connection comes from, without its port."""
        return self.scope.client.rpartition(":")[0]

    @property
    def content_length(self) -> int | None:
        """Declared size of the body in bytes, None for a chunked one."""
        length = self.headers.get("Content-Length", "")
        return int(length) if length else None

    @property
    def host(self) -> str:
        """Host and port of the URL as the client wrote them, empty without."""
        # HTTP/2 has no header Host.
        return self.scope.authority or self.headers.get("Host", "")

    @property
    def scheme(self) -> str:
        """http, or https if the connection to this process uses TLS."""
        return self.scope.scheme


class Response:
    """A status, headers and a complete body.

    Cached responses share their headers, which nobody changes then.
    """

    __slots__ = ("body", "headers", "status")

    def __init__(
        self,
        body: bytes = b"",
        *,
        status: int = 200,
        content_type: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        self.body = body
        self.status = status
        self.headers = {} if headers is None else headers
        if content_type is not None:
            self.headers["Content-Type"] = content_type

    @classmethod
    def json(cls, body: bytes, *, status: int = 200) -> "Response":
        """Return a response whose body is JSON."""
        return cls(body, status=status, content_type="application/json")


class StreamResponse:
    """A response whose `chunks` are sent as they are produced, until the client disconnects.

    `end` returns what is sent last if the service stops. A client that is far behind an endless
    stream is disconnected; a body of limited size waits for it, like any other response.
    """

    __slots__ = ("chunks", "end", "headers", "is_endless", "status")

    def __init__(
        self,
        chunks: AsyncGenerator[bytes, None],
        headers: dict[str, str],
        *,
        end: Callable[[], bytes] = bytes,
        is_endless: bool = True,
    ) -> None:
        self.chunks = chunks
        self.end = end
        self.is_endless = is_endless
        self.headers = headers
        self.status = 200
