"""The collector, which stores the decisions that editors make on this service's pages."""

from typing import NamedTuple

import aiohttp
import msgspec

from mostread.errors import CollectorUnavailable
from mostread.infra import request_id
from mostread.infra.auth.assertions import Assertions, request_digest

_TIMEOUT = aiohttp.ClientTimeout(total=15)
_REFUSED = frozenset({401, 403, 404, 405})
_KEPT = {"Content-Type", "Retry-After"}


class _Problem(msgspec.Struct):
    detail: str


class CollectorAnswer(NamedTuple):
    """The answer to a decision: 200 with the placement, 204, or a problem."""

    status: int
    headers: dict[str, str]
    body: bytes


class Collector:
    """Sends decisions in the name of an editor, whose permission the caller has checked."""

    def __init__(self, url: str, assertions: Assertions) -> None:
        self._url = f"{url}/v1/placement"
        self._assertions = assertions
        self._session = aiohttp.ClientSession(timeout=_TIMEOUT, cookie_jar=aiohttp.DummyCookieJar())

    async def close(self) -> None:
        await self._session.close()

    async def decide(
        self, method: str, *, site: str, article_id: str, body: bytes, editor: str
    ) -> CollectorAnswer:
        """Send a decision: PUT with a body, or DELETE. Raises CollectorUnavailable."""
        digest = request_digest(method, site, article_id, body)
        try:
            async with self._session.request(
                method,
                self._url,
                params={"site": site, "id": article_id},
                data=body,
                headers={
                    "Authorization": self._assertions.make(editor, digest),
                    "Content-Type": "application/json",
                    request_id.HEADER: request_id.current(),
                },
                allow_redirects=False,
            ) as response:
                answer = CollectorAnswer(
                    response.status,
                    {name: response.headers[name] for name in _KEPT & response.headers.keys()},
                    await response.read(),
                )
        except (aiohttp.ClientError, TimeoutError) as error:
            raise CollectorUnavailable(
                f"The collector does not answer ({str(error) or type(error).__name__}). The "
                "decision may or may not be stored."
            ) from error
        if answer.status in _REFUSED:
            raise CollectorUnavailable(
                f"The decision is not stored: the collector at MOSTREAD_RANKING_COLLECTOR_URL "
                f"answered {answer.status}. {_detail(answer)}"
            )
        return answer


def _detail(answer: CollectorAnswer) -> str:
    try:
        return msgspec.json.decode(answer.body, type=_Problem).detail
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return "It is not a collector."
