"""Kept answers over HTTP: bytes that were rendered once, with an ETag."""

from dataclasses import dataclass
from functools import wraps
from hashlib import blake2b
from typing import Generic, TypeVar

from aiohttp import web
from multidict import CIMultiDict

from mostread.errors import MostreadError, Overloaded
from mostread.infra.http.problems import Handler, problem
from mostread.ranking.api.params import BadParameter

V = TypeVar("V")

# A page of any other site may read the lists: they are public, and no cookie is ever looked at.
PUBLIC = {
    "Access-Control-Allow-Origin": "*",
    # Without it a script on a page cannot read when to come back.
    "Access-Control-Expose-Headers": "Retry-After",
}
RETRY_SECONDS = "2"


@dataclass(frozen=True, slots=True)
class Answer(Generic[V]):
    """A value with the bytes that tell it. The headers are shared: never change them."""

    value: V
    body: bytes
    etag: str
    headers: CIMultiDict[str]

    @classmethod
    def of(
        cls, value: V, body: bytes, content_type: str = "application/json", max_age: int = 1
    ) -> "Answer[V]":
        """Return an answer that may be kept `max_age` seconds by whoever passes it on."""
        etag = f'"{blake2b(body, digest_size=12).hexdigest()}"'
        headers = CIMultiDict(
            {
                "Content-Type": content_type,
                "Cache-Control": f"public, max-age={max_age}",
                "ETag": etag,
                **PUBLIC,
            }
        )
        return cls(value, body, etag, headers)

    @classmethod
    def for_the_newsroom(cls, value: V, body: bytes) -> "Answer[V]":
        """Return an answer that nobody passes on, and that no page of another site may read."""
        answer = cls.of(value, body)
        for name in PUBLIC:
            del answer.headers[name]
        answer.headers["Cache-Control"] = "private, no-cache"
        return answer

    def respond(self, request: web.Request) -> web.Response:
        """Return 200 with the bytes, or 304 where the client has them."""
        asked = request.headers.get("If-None-Match")
        if asked is not None and (asked.strip() == "*" or self.etag in asked):
            headers = CIMultiDict(self.headers)
            del headers["Content-Type"]
            return web.Response(status=304, headers=headers)
        return web.Response(body=self.body, headers=self.headers)


def answering(handler: Handler) -> Handler:
    """Return a handler that answers what `handler` raises as problem+json."""

    @wraps(handler)
    async def answered(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except BadParameter as error:
            return _bad_parameter(error)
        except Overloaded as error:
            return _overloaded(error)
        except MostreadError as error:
            return _unavailable(error)

    return answered


def _bad_parameter(error: BadParameter) -> web.Response:
    """Return 400 that names the parameter and what it may be."""
    return problem(
        400,
        "bad-parameter",
        "Bad parameter",
        str(error),
        headers=PUBLIC,
        parameter=error.parameter,
        allowed=error.allowed,
    )


def _unavailable(error: MostreadError) -> web.Response:
    """Return 503: there is nothing kept to answer with."""
    return problem(
        503,
        "counters-unavailable",
        "Counters unavailable",
        f"The counters cannot be read just now and no older answer is kept. Try again. ({error})",
        headers={"Retry-After": RETRY_SECONDS, **PUBLIC},
    )


def _overloaded(error: Overloaded) -> web.Response:
    """Return 503: as much is done at once as may be."""
    return problem(
        503,
        "overloaded",
        "Overloaded",
        f"{error}. Try again later, or ask an operator for more.",
        headers={"Retry-After": RETRY_SECONDS, **PUBLIC},
    )
