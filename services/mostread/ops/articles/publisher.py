"""Send descriptions of articles, and aliases, to the collector."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import suppress
from urllib.parse import urlencode

import aiohttp
import msgspec

from mostread.client.backoff import parse_retry_after
from mostread.collector.api.payloads import MAX_ARTICLES, RejectedArticle
from mostread.core.editorial.articles import Source
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
    """Sends descriptions and aliases with the token of the settings."""

    def __init__(self, session: aiohttp.ClientSession, settings: ArticlesSettings) -> None:
        """Raises Misconfigured without a token."""
        token = settings.articles_token.get_secret_value()
        if not token:
            raise Misconfigured(
                "the collector requires a token; name the folder of a running stack with "
                "--data, or run `mostread token create articles --role cms` and set "
                "MOSTREAD_ARTICLES_TOKEN"
            )
        self._session = session
        self._collector = str(settings.articles_collector_url)
        self._headers = {
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/x-ndjson",
        }

    async def describe(
        self, descriptions: Sequence[Description], source: Source
    ) -> list[RejectedArticle]:
        """Send descriptions; return the rejected ones by their index.

        Raises Unavailable if the collector is, after several attempts, and Misconfigured if it
        refuses the request. Descriptions may be sent again.
        """
        return await self._publish(f"/v1/articles?source={source.name.lower()}", descriptions)

    async def add_aliases(self, aliases: Sequence[Description]) -> list[RejectedArticle]:
        """Send aliases as `describe` sends descriptions."""
        return await self._publish("/v1/aliases", aliases)

    async def delete_alias(self, site: str, article_id: str) -> None:
        """Delete an alias. Raises as `describe`."""
        query = urlencode({"site": site, "id": article_id})
        await self._send("DELETE", f"/v1/aliases?{query}")

    async def rename_site(self, site: str, alias_of: str | None) -> None:
        """Show a site under another name, None for its own again. Raises as `describe`."""
        body = None if alias_of is None else _encode({"alias_of": alias_of})
        await self._send("DELETE" if body is None else "PUT", f"/v1/sites/{site}/alias", body)

    async def _publish(self, path: str, elements: Sequence[Description]) -> list[RejectedArticle]:
        rejected: list[RejectedArticle] = []
        for start, body in _bodies(elements):
            answer = await self._send("POST", path, body)
            rejected += [
                RejectedArticle(start + each.index, each.reason, each.detail)
                for each in answer.rejected
            ]
        return rejected

    async def _send(self, method: str, path: str, body: bytes | None = None) -> _Answer:
        error: MostreadError
        for attempt in range(_ATTEMPTS):
            pause = float(2**attempt)
            try:
                async with self._session.request(
                    method,
                    self._collector + path,
                    data=body,
                    headers=self._headers,
                    timeout=_TIMEOUT,
                    allow_redirects=False,
                ) as response:
                    content = await response.read()
                    if method != "POST" and response.status in (200, 204):
                        return _Answer([])
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
                    f"no collector answers at {self._collector}: {str(failure) or repr(failure)}"
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
