"""GET /live: the changing parts of list pages as server-sent events."""

import asyncio
import re
from typing import Any

import orjson
import pytest
from aiohttp import ClientResponse

from mostread.infra.clickhouse.client import connect
from mostread.ranking.api import stream
from mostread.ranking.config import RankingSettings
from tests.support.ranking import FIRST, Counted, Service, ago


@pytest.fixture(autouse=True)
def frequent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "HEARTBEAT_SECONDS", 0.2)


async def event(answer: ClientResponse, kind: str) -> dict[str, Any]:
    """Return the data of the next event of a kind; skip others."""
    while True:
        lines = (await answer.content.readuntil(b"\n\n")).decode().strip().split("\n")
        fields = dict(line.split(": ", 1) for line in lines)
        if fields.get("event") == kind:
            data: dict[str, Any] = orjson.loads(fields["data"])
            return data


def views(counted: Counted, settings: RankingSettings, article_id: str, number: int) -> None:
    more = Counted(connect(settings), counted.site)
    more.event(article_id, ago(minutes=3), views=number)
    more.write()
    more.client.close()


async def test_event_has_the_parts_of_the_page(service: Service, counted: Counted) -> None:
    counted.article("a", title="<b>Қала", language="kk")
    counted.event("a", ago(minutes=5), views=3)
    counted.write()
    counted.progress(ago(seconds=2), 0, 1, FIRST)
    query = f"site={counted.site}&window=7d&lang=ru"
    page = await (await service.get(f"/?{query}")).text()
    answer = await service.get("/live", params={"page": query})
    assert answer.status == 200
    sent = await event(answer, "list")
    assert sent["page"] == query
    assert f'data-version="{sent["version"]}"' in page
    assert '<bdi lang="kk">&lt;b&gt;Қала</bdi>' in sent["html"]
    for pattern in ("<li value.*?</li>", "<p class=.fresh.*?</p>"):
        [part] = re.findall(pattern, sent["html"], re.DOTALL)
        assert part in page
    fresh = await event(answer, "fresh")
    assert "14:03:03 (UTC)" in fresh["html"]
    assert "data-key" not in fresh["html"]
    answer.close()


async def test_one_stream_carries_several_pages(
    service: Service, counted: Counted, ranking_settings: RankingSettings
) -> None:
    counted.article("b", section="news")
    counted.event("a", ago(minutes=5), views=3)
    counted.write()
    both, news = f"site={counted.site}&lang=kk", f"site={counted.site}&section=news"
    answer = await service.get("/live", params=[("page", both), ("page", news)])
    first = [await event(answer, "list"), await event(answer, "list")]
    assert [each["page"] for each in first] == [both, news]
    assert ['data-key="a"' in each["html"] for each in first] == [True, False]
    await asyncio.to_thread(views, counted, ranking_settings, "b", 5)
    second = [await event(answer, "list"), await event(answer, "list")]
    assert {each["page"] for each in second} == {both, news}
    assert all('data-key="b"' in each["html"] for each in second)
    answer.close()


@pytest.mark.parametrize(
    "query",
    ["", "page=window%3Dnever", "page=q%3Dwords", "site=a", "page=%FF", "page=" + "&page=" * 20],
)
async def test_invalid_page_is_rejected(service: Service, query: str) -> None:
    answer = await service.get(f"/live?{query}")
    assert answer.status == 400
    assert (await answer.json())["type"] == "urn:mostread:problem:bad-parameter"
