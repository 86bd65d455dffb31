"""Responses with an ETag, and JSON that is rendered and compressed once per value.

ETags are weak: they identify the content and not the bytes, which may be gzipped. The content of
JSON excludes the times that pass by themselves (`serializers.content`), so that a list has the
same ETag until it changes. The header Mostread-As-Of has `as_of`, also for a client that gets 304.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import blake2b
from typing import Generic, TypeVar
from weakref import WeakKeyDictionary

from mostread.infra.http import compression
from mostread.infra.http.cors import PRIVATE
from mostread.infra.http.etag import matches
from mostread.infra.http.messages import Request, Response
from mostread.ranking.api import serializers

V = TypeVar("V")

AS_OF = "Mostread-As-Of"
PUBLIC = "public, max-age=1"
NO_STORE = "private, no-store"
"""Cache-Control of pages for editors, which no browser shows again by itself."""


@dataclass(frozen=True)
class CachedResponse:
    """A rendered body with its headers, which requests share: never change them."""

    body: bytes
    tag: str
    """A hash of the content, which the ETag consists of."""
    headers: dict[str, str]

    @classmethod
    def of(
        cls,
        body: bytes,
        content_type: str = "application/json",
        cache_control: str = PUBLIC,
        *,
        content: bytes | None = None,
    ) -> "CachedResponse":
        """Return a response whose ETag is a hash of `content`, by default of the body."""
        tag = blake2b(body if content is None else content, digest_size=12).hexdigest()
        headers = {
            "Content-Type": content_type,
            "Cache-Control": cache_control,
            "ETag": f'W/"{tag}"',
            "Vary": "Accept-Encoding",
        }
        return cls(body, tag, headers)

    @classmethod
    def of_document(
        cls, document: Mapping[str, object], cache_control: str = PUBLIC
    ) -> "CachedResponse":
        """Return the response with a JSON document."""
        response = cls.of(
            serializers.encode(document),
            cache_control=cache_control,
            content=serializers.content(document),
        )
        if as_of := document.get("as_of"):
            response.headers[AS_OF] = str(as_of)
        return response

    @cached_property
    def _gzipped(self) -> tuple[bytes, dict[str, str]] | None:
        if len(self.body) < compression.MIN_BYTES:
            return None
        headers = self.headers.copy()
        headers["Content-Encoding"] = "gzip"
        return compression.compress(self.body), headers

    @cached_property
    def _not_modified(self) -> dict[str, str]:
        headers = self.headers.copy()
        del headers["Content-Type"]
        return headers

    def made_private(self) -> "CachedResponse":
        """Return the same response for its client alone."""
        return replace(self, headers={**self.headers, "Cache-Control": PRIVATE})

    def respond(self, request: Request) -> Response:
        """Return 200 with the body, gzipped if the client accepts it, or 304 if it has it."""
        if_none_match = request.headers.get("If-None-Match")
        if if_none_match is not None and matches(if_none_match, self.headers["ETag"]):
            return Response(status=304, headers=self._not_modified)
        if compression.accepts_gzip(request.headers.get("Accept-Encoding", "")) and self._gzipped:
            body, headers = self._gzipped
            return Response(body, headers=headers)
        return Response(self.body, headers=self.headers)


class JsonRenderer(Generic[V]):
    """Renders values as JSON; a rendered body lives as long as its value."""

    def __init__(
        self, serialize: Callable[[V], Mapping[str, object]], cache_control: str = PUBLIC
    ) -> None:
        self._serialize = serialize
        self._cache_control = cache_control
        self._rendered: WeakKeyDictionary[V, CachedResponse] = WeakKeyDictionary()

    def __call__(self, value: V) -> CachedResponse:
        """Return the response that carries a value."""
        rendered = self._rendered.get(value)
        if rendered is None:
            document = self._serialize(value)
            rendered = CachedResponse.of_document(document, self._cache_control)
            self._rendered[value] = rendered
        return rendered
