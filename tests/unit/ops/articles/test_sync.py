"""A feed that cannot be read leaves the service running."""

import aiohttp
import pytest

from mostread.ops.articles.config import ArticlesSettings, SourceFeed
from mostread.ops.articles.fetcher import Fetcher
from mostread.ops.articles.formats import UnreadableFeed
from mostread.ops.articles.moves import ItemMemory
from mostread.ops.articles.publisher import ArticlePublisher
from mostread.ops.articles.sync import new_readers
from tests.support.newspaper import newspaper


async def test_unexpected_error_in_a_feed_is_one_of_the_feed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object) -> None:
        raise AssertionError("unknown status keyword")

    monkeypatch.setattr("mostread.ops.articles.sync.read_document", fail)
    with newspaper() as site:
        site.pages["/feed"] = "<rss/>"
        settings = ArticlesSettings(articles_token="t")
        feed = SourceFeed("news", f"http://127.0.0.1:{site.port}/feed")
        async with aiohttp.ClientSession() as session:
            fetcher = Fetcher(session, seconds=30, max_bytes=1000)
            publisher = ArticlePublisher(session, settings)
            memory = ItemMemory("")
            (reader,) = new_readers(settings, [feed], fetcher, publisher, memory)["news"]
            with pytest.raises(UnreadableFeed, match="unknown status keyword"):
                await reader.read()
