"""Fetching feeds from a real server: conditions, limits and redirects."""

import gzip
from collections.abc import AsyncIterator, Iterator

import aiohttp
import pytest
import pytest_asyncio

from mostread.ops.articles.fetcher import FeedUnavailable, Fetched, Fetcher, Validators, may_follow
from mostread.ops.articles.item import Hosts
from tests.support.newspaper import Newspaper, newspaper

MAX_BYTES = 100_000


@pytest.fixture
def site() -> Iterator[Newspaper]:
    with newspaper() as running:
        yield running


@pytest_asyncio.fixture
async def fetcher() -> AsyncIterator[Fetcher]:
    async with aiohttp.ClientSession() as session:
        yield Fetcher(session, seconds=30, max_bytes=MAX_BYTES)


async def fetch(
    fetcher: Fetcher, site: Newspaper, path: str, validators: Validators | None = None
) -> Fetched | None:
    url = f"http://127.0.0.1:{site.port}{path}"
    return await fetcher.fetch(url, Hosts([url]), validators or Validators())


@pytest.mark.parametrize(
    "headers",
    [{"ETag": '"1"'}, {"Last-Modified": "Mon, 23 Nov 2026 09:30:00 GMT"}],
    ids=["etag", "last-modified"],
)
async def test_unchanged_feed_is_not_sent_twice(
    site: Newspaper, fetcher: Fetcher, headers: dict[str, str]
) -> None:
    site.pages["/feed"] = "<rss/>"
    site.headers["/feed"] = {**headers, "Content-Type": "application/rss+xml"}
    first = await fetch(fetcher, site, "/feed")
    assert first is not None
    assert (first.content, first.content_type) == (b"<rss/>", "application/rss+xml")
    assert await fetch(fetcher, site, "/feed", first.validators) is None
    site.headers["/feed"] = {"ETag": '"2"'}
    again = await fetch(fetcher, site, "/feed", first.validators)
    assert again is not None
    assert again.validators == Validators(etag='"2"')


async def test_compressed_feed_is_limited_after_decompression(
    site: Newspaper, fetcher: Fetcher
) -> None:
    for path, size in (("/small", MAX_BYTES), ("/large", MAX_BYTES + 1)):
        site.pages[path] = gzip.compress(b" " * size)
        site.headers[path] = {"Content-Encoding": "gzip"}
    small = await fetch(fetcher, site, "/small")
    assert small is not None
    assert len(small.content) == MAX_BYTES
    with pytest.raises(FeedUnavailable, match="raise MOSTREAD_ARTICLES_MAX_BYTES"):
        await fetch(fetcher, site, "/large")


async def test_redirects_within_the_host_are_followed(site: Newspaper, fetcher: Fetcher) -> None:
    site.pages["/feed"] = "<rss/>"
    for status, path in ((301, "/a"), (302, "/b"), (307, "/c"), (308, "/d")):
        site.statuses[path] = status
        site.headers[path] = {"Location": "/feed"}
        fetched = await fetch(fetcher, site, path)
        assert fetched is not None
        assert fetched.url.endswith("/feed")


@pytest.mark.parametrize(
    "location",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://localhost/feed",
        "http://127.0.0.1:9/feed",
        "//other.example/feed",
        "file:///etc/passwd",
        "ftp://127.0.0.1/feed",
        "http://user@127.0.0.1:PORT/feed",
        "",
    ],
)
async def test_redirect_to_another_place_is_refused(
    site: Newspaper, fetcher: Fetcher, location: str
) -> None:
    site.statuses["/feed"] = 302
    site.headers["/feed"] = {"Location": location.replace("PORT", str(site.port))}
    with pytest.raises(FeedUnavailable, match="redirects"):
        await fetch(fetcher, site, "/feed")


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://n.example:8443/a", True),
        ("https://www.n.example/a", True),
        ("http://n.example:8443/a", False),
        ("https://n.example:22/a", False),
        ("https://user@n.example:8443/a", False),
        ("https://other.example/a", False),
        ("https://[n.example/a", False),
    ],
)
def test_index_refers_to_sitemaps_of_its_place_only(url: str, allowed: bool) -> None:
    hosts = Hosts(["https://n.example"])
    assert may_follow(url, "https://n.example:8443/index.xml", hosts) == allowed


async def test_server_error_is_reported_with_its_wish(site: Newspaper, fetcher: Fetcher) -> None:
    site.statuses["/feed"] = 503
    site.headers["/feed"] = {"Retry-After": "120"}
    with pytest.raises(FeedUnavailable, match="responded 503") as failed:
        await fetch(fetcher, site, "/feed")
    assert failed.value.retry_after == 120


async def test_silent_or_absent_server_is_an_error(site: Newspaper) -> None:
    async with aiohttp.ClientSession() as session:
        hurried = Fetcher(session, seconds=0, max_bytes=MAX_BYTES)
        with pytest.raises(FeedUnavailable, match="no complete response within"):
            await fetch(hurried, site, "/feed")
        patient = Fetcher(session, seconds=30, max_bytes=MAX_BYTES)
        with pytest.raises(FeedUnavailable, match="no response"):
            await patient.fetch("http://127.0.0.1:9/", Hosts(["http://127.0.0.1"]), Validators())
