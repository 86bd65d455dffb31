"""Fetch feeds: conditionally, within limits, and from named hosts only."""

import asyncio
from dataclasses import dataclass

import aiohttp
from yarl import URL

from mostread.client.backoff import parse_retry_after
from mostread.errors import MostreadError
from mostread.ops.articles.item import Hosts

USER_AGENT = "mostread-articles"
_ACCEPT = (
    "application/rss+xml, application/atom+xml, application/feed+json, application/xml;q=0.9, "
    "text/xml;q=0.9, application/json;q=0.8, */*;q=0.1"
)
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MAX_REDIRECTS = 5
_CHUNK = 64 << 10
_HTTPS_PORT = 443


class FeedUnavailable(MostreadError):
    """A feed that cannot be fetched; `retry_after` is the server's wish in seconds, or 0."""

    def __init__(self, message: str, retry_after: float = 0.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Validators:
    """The headers of a response that make the next request conditional."""

    etag: str = ""
    last_modified: str = ""

    def headers(self) -> dict[str, str]:
        headers = {"If-None-Match": self.etag, "If-Modified-Since": self.last_modified}
        return {name: value for name, value in headers.items() if value}


@dataclass(frozen=True, slots=True)
class Fetched:
    """A response; `url` is the address after redirects."""

    content: bytes
    url: str
    content_type: str
    validators: Validators


class Fetcher:
    """Fetches over `session`, which follows no redirect by itself."""

    def __init__(self, session: aiohttp.ClientSession, *, seconds: float, max_bytes: int) -> None:
        self._session = session
        self._seconds = seconds
        self._max_bytes = max_bytes

    async def fetch(self, url: str, hosts: Hosts, validators: Validators) -> Fetched | None:
        """Return the response to GET `url`, None if it has not changed. Raises FeedUnavailable."""
        try:
            async with asyncio.timeout(self._seconds):
                return await self._follow(URL(url), hosts, validators)
        except TimeoutError as error:
            raise FeedUnavailable(f"no complete response within {self._seconds:g} s") from error
        except (aiohttp.ClientError, ValueError) as error:
            raise FeedUnavailable(f"no response: {str(error) or repr(error)}") from error

    async def _follow(self, url: URL, hosts: Hosts, validators: Validators) -> Fetched | None:
        for _ in range(_MAX_REDIRECTS + 1):
            async with self._session.get(
                url,
                headers={**validators.headers(), "Accept": _ACCEPT, "User-Agent": USER_AGENT},
                allow_redirects=False,
            ) as response:
                if response.status not in _REDIRECTS:
                    return await self._read(response)
                url = _target(response, hosts)
        raise FeedUnavailable(f"more than {_MAX_REDIRECTS} redirects")

    async def _read(self, response: aiohttp.ClientResponse) -> Fetched | None:
        if response.status == 304:
            return None
        if response.status != 200:
            raise FeedUnavailable(
                f"the server responded {response.status}",
                parse_retry_after(response.headers.get("Retry-After")),
            )
        content = bytearray()
        async for chunk in response.content.iter_chunked(_CHUNK):
            content += chunk
            if len(content) > self._max_bytes:
                raise FeedUnavailable(
                    f"more than {self._max_bytes} bytes; raise MOSTREAD_ARTICLES_MAX_BYTES"
                )
        return Fetched(
            bytes(content),
            str(response.url),
            response.headers.get("Content-Type", ""),
            Validators(response.headers.get("ETag", ""), response.headers.get("Last-Modified", "")),
        )


def may_follow(url: str, source: str, hosts: Hosts) -> bool:
    """Return whether a redirect or an index at `source` may refer to `url`.

    A server that refers to the network of mostread would otherwise read from it.
    """
    try:
        target, origin = URL(url), URL(source)
    except ValueError:
        return False
    downgraded = origin.scheme == "https" and target.scheme != "https"
    return hosts.allow(url) and not downgraded and target.port in (origin.port, _HTTPS_PORT)


def _target(response: aiohttp.ClientResponse, hosts: Hosts) -> URL:
    """Return where a redirect leads. Raises FeedUnavailable if it may not be followed."""
    url = response.url.join(URL(response.headers.get("Location", "")))
    if not may_follow(str(url), str(response.url), hosts):
        raise FeedUnavailable(
            f"it redirects to {url.with_query(None).human_repr()[:200]}; use that address in "
            "MOSTREAD_ARTICLES_FEEDS if it is right"
        )
    return url
