"""Answers to the publisher of articles that are not the collector's."""

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from mostread.core.editorial.articles import Source
from mostread.errors import Misconfigured
from mostread.ops.articles.config import ArticlesSettings
from mostread.ops.articles.publisher import ArticlePublisher


@pytest.mark.parametrize("status", [200, 400])
@pytest.mark.parametrize("body", ["{}", "<html>", "\xff"], ids=["object", "html", "bytes"])
async def test_answer_without_rejections_describes_nothing(status: int, body: str) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=status, body=body.encode("latin-1"))

    app = web.Application()
    app.router.add_post("/v1/articles", answer)
    async with TestServer(app) as server, aiohttp.ClientSession() as session:
        settings = ArticlesSettings(
            articles_collector_url=str(server.make_url("/")), articles_token="t"
        )
        publisher = ArticlePublisher(session, settings)
        with pytest.raises(Misconfigured, match=f"responded {status}.*; check MOSTREAD_ARTICLES"):
            await publisher.describe([{"article_id": "a", "title": "A"}], Source.FEED)
