"""Send descriptions of articles to the collector."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import suppress

import aiohttp
import msgspec

from mostread.client.backoff import parse_retry_after
from mostread.collector.api.payloads import MAX_ARTICLES, RejectedArticle
from mostread.errors import Misconfigured, MostreadError, Unavailable
from mostread.infra.http.body import MAX_BODY_BYTES
from mostread.ops.articles.config import ArticlesSettings
from mostread.ops.articles.item import Description

_ATTEMPTS = 5
_TEMPORARY = (408, 425, 429)
_LONGEST_PAUSE_SECONDS = 10.0
_TIMEOUT = aiohttp.ClientTimeout(total=30)
_encode = msgspec.json.Encoder().encode


class _Answer(msgspec.Struct):
    rejected: list[RejectedArticle]


class ArticlePublisher:
    """Sends descriptions as `source`, cms or feed, with the token of the settings."""

    def __init__(
        self, session: aiohttp.ClientSession, settings: ArticlesSettings, source: str
    ) -> None:
        """Raises Misconfigured without a token."""
        token = settings.articles_token.get_secret_value()
        if not token:
            raise Misconfigured(
                "the collector requires a token; name the folder of a running stack with "
                "--data, or run `mostread token create articles --role cms` and set "
                "MOSTREAD_ARTICLES_TOKEN"
            )
        self._session = session
        self._url = f"{settings.articles_collector_url}/v1/articles?source={source}"
        self._headers = {
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/x-ndjson",
        }

    async def publish(self, descriptions: Sequence[Description]) -> list[RejectedArticle]:
        """Send all descriptions; return the rejected ones by their index.

        Raises Unavailable if the collector is, after several attempts, and Misconfigured if it
        refuses the request. Descriptions may be sent again.
        """
        rejected: list[RejectedArticle] = []
        for start, body in _bodies(descriptions):
            answer = await self._send(body)
            rejected += [
                RejectedArticle(start + each.index, each.reason, each.detail)
                for each in answer.rejected
            ]
        return rejected

    async def _send(self, body: bytes) -> _Answer:
        error: MostreadError
        for attempt in range(_ATTEMPTS):
            pause = float(2**attempt)
            try:
                async with self._session.post(
                    self._url,
                    data=body,
                    headers=self._headers,
                    timeout=_TIMEOUT,
                    allow_redirects=False,
                ) as response:
                    content = await response.read()
                    if response.status in (200, 400):
                        with suppress(msgspec.MsgspecError, UnicodeDecodeError):
                            return msgspec.json.decode(content, type=_Answer)
                    detail = content[:300].decode(errors="replace")
                    if response.status < 500 and response.status not in _TEMPORARY:
                        raise Misconfigured(
                            f"the collector responded {response.status}: {detail}; check "
                            "MOSTREAD_ARTICLES_TOKEN and MOSTREAD_ARTICLES_COLLECTOR_URL"
                        )
                    error = Unavailable(f"the collector responded {response.status}: {detail}")
                    pause = parse_retry_after(response.headers.get("Retry-After")) or pause
            except (aiohttp.ClientError, TimeoutError) as failure:
                error = Unavailable(
                    f"no collector answers at {self._url.partition('/v1/')[0]}: "
                    f"{str(failure) or repr(failure)}"
                )
            if attempt < _ATTEMPTS - 1:
                await asyncio.sleep(min(pause, _LONGEST_PAUSE_SECONDS))
        raise error


def _bodies(descriptions: Sequence[Description]) -> Iterator[tuple[int, bytes]]:
    """Yield request bodies within the collector's limits, each with the index of its first line."""
    start, lines, size = 0, list[bytes](), 0
    for index, description in enumerate(descriptions):
        line = _encode(description)
        if lines and (len(lines) == MAX_ARTICLES or size + len(line) + 1 > MAX_BODY_BYTES):
            yield start, b"\n".join(lines)
            start, lines, size = index, [], 0
        lines.append(line)
        size += len(line) + 1
    if lines:
        yield start, b"\n".join(lines)
