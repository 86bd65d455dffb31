"""Responses with an ETag, and JSON that is rendered once per value."""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b
from typing import Generic, TypeVar
from weakref import WeakKeyDictionary

from aiohttp import web
from multidict import CIMultiDict

V = TypeVar("V")

PRIVATE = "private, no-cache"
"""Cache-Control of responses to editors: only the client itself may store them."""


@dataclass(frozen=True, slots=True)
class CachedResponse:
    """A rendered body with its headers, which requests share: never change them."""

    body: bytes
    etag: str
    headers: CIMultiDict[str]

    @classmethod
    def of(
        cls,
        body: bytes,
        content_type: str = "application/json",
        cache_control: str = "public, max-age=1",
    ) -> "CachedResponse":
        """Return a response whose ETag is a hash of its body."""
        etag = f'"{blake2b(body, digest_size=12).hexdigest()}"'
        headers = CIMultiDict(
            {"Content-Type": content_type, "Cache-Control": cache_control, "ETag": etag}
        )
        return cls(body, etag, headers)

    def respond(self, request: web.Request) -> web.Response:
        """Return 200 with the body, or 304 if the client has it."""
        if_none_match = request.headers.get("If-None-Match")
        if if_none_match is not None and (
            if_none_match.strip() == "*" or self.etag in if_none_match
        ):
            headers = CIMultiDict(self.headers)
            del headers["Content-Type"]
            return web.Response(status=304, headers=headers)
        return web.Response(body=self.body, headers=self.headers)


class JsonRenderer(Generic[V]):
    """Renders values as JSON; a rendered body lives as long as its value."""

    def __init__(self, serialize: Callable[[V], bytes]) -> None:
        self._serialize = serialize
        self._rendered: WeakKeyDictionary[V, CachedResponse] = WeakKeyDictionary()

    def __call__(self, value: V) -> CachedResponse:
        """Return the response that carries a value."""
        rendered = self._rendered.get(value)
        if rendered is None:
            rendered = self._rendered[value] = CachedResponse.of(self._serialize(value))
        return rendered
