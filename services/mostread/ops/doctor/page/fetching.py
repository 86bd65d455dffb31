"""Requests of the page doctor, bounded in size and time."""

import asyncio
import codecs
import re
from contextlib import suppress
from dataclasses import dataclass

import aiohttp

MAX_BYTES = 4 << 20
MAX_SECONDS = 15
_META_CHARSET = re.compile(rb"<meta[^>]+charset=[\"']?([\w-]+)", re.IGNORECASE)
_HEADERS = {"User-Agent": "Mozilla/5.0 (compatible; mostread-doctor)", "Accept": "text/html,*/*"}


class Unreachable(Exception):
    """A server did not answer, or not with HTTP."""


@dataclass(frozen=True)
class Answer:
    """An answer after redirects; `body` is text of at most MAX_BYTES bytes."""

    url: str
    status: int
    body: str
    is_cut: bool
    policies: tuple[str, ...]
    allowed_origin: str


def fetch(url: str) -> Answer:
    """Request an address. Raises Unreachable."""
    return asyncio.run(_request("GET", url, {}))


def probe_collector(url: str, origin: str) -> Answer:
    """Send a collector no event, as a page of `origin` would. Raises Unreachable."""
    return asyncio.run(_request("POST", url, {"Origin": origin}, "[]"))


async def _request(
    method: str, url: str, headers: dict[str, str], body: str | None = None
) -> Answer:
    if not url.startswith(("http://", "https://")):
        raise Unreachable("write http:// or https:// before the host")
    timeout = aiohttp.ClientTimeout(total=MAX_SECONDS)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout, headers=_HEADERS) as session,
            session.request(method, url, headers=headers, data=body) as response,
        ):
            content = await _read(response)
            return Answer(
                url=str(response.url),
                status=response.status,
                body=content[:MAX_BYTES].decode(_charset(response, content), errors="replace"),
                is_cut=len(content) > MAX_BYTES,
                policies=tuple(response.headers.getall("Content-Security-Policy", ())),
                allowed_origin=response.headers.get("Access-Control-Allow-Origin", ""),
            )
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        raise Unreachable(str(error) or type(error).__name__) from None


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """Return the body, or slightly more than MAX_BYTES of it."""
    content = bytearray()
    async for chunk in response.content.iter_chunked(1 << 16):
        content += chunk
        if len(content) > MAX_BYTES:
            break
    return bytes(content)


def _charset(response: aiohttp.ClientResponse, content: bytes) -> str:
    """Return the encoding that a browser would use, as far as headers and markup name one."""
    declared = _META_CHARSET.search(content[:1024])
    for name in (response.charset, declared and declared[1].decode("ascii")):
        if name:
            with suppress(LookupError):
                return codecs.lookup(name).name
    return "utf-8"
