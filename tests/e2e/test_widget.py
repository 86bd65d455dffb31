"""The custom element in a real browser, on a page of another site."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from html import unescape
from pathlib import Path

import pytest

from mostread.devstack.servers.clickhouse import LocalClickHouse
from mostread.infra.clickhouse.client import connect
from mostread.infra.clickhouse.migrations import migrate
from mostread.infra.http.application import Application
from mostread.infra.http.config import ServiceSettings
from mostread.infra.http.messages import Request, Response
from mostread.ranking.app import ranking_app
from mostread.ranking.config import RankingSettings
from tests.support.http import url_of
from tests.support.ranking import NOW, Counted, ago
from tests.support.tools import tool

HOSTILE = "<img src=x onerror=alert(1)>\u202e⚡"

# The page shows what the browser renders, so that --dump-dom prints it.
PAGE = """<!doctype html><html lang="kk"><meta charset="utf-8"><title>t</title>
<most-read limit="2" counts id="widget"{attributes}><p>Fallback</p></most-read>
<pre id="seen">nothing</pre>
<script>
  const widget = document.getElementById("widget"), seen = document.getElementById("seen");
  const tell = (kind) => () => {{
    const root = widget.shadowRoot;
    seen.textContent = JSON.stringify({{
      kind,
      rows: [...root.querySelectorAll("li")].map((row) => row.textContent),
      links: [...root.querySelectorAll("a")].map((link) => link.href),
      images: root.querySelectorAll("img").length,
      label: root.querySelector("ol")?.getAttribute("aria-label"),
      slotted: root.querySelector("slot")?.assignedElements().map((e) => e.textContent),
      line: root.querySelector("li") && getComputedStyle(root.querySelector("li")).display,
    }});
  }};
  widget.addEventListener("most-read-shown", tell("shown"));
  widget.addEventListener("most-read-error", tell("error"));
</script>
<script src="{service}/widget.js" async></script>"""


@pytest.fixture(scope="module")
def settings(clickhouse: LocalClickHouse) -> RankingSettings:
    settings = RankingSettings(clickhouse_url=clickhouse.url, clickhouse_database="test_widget")
    migrate(settings)
    client = connect(settings)
    client.command("ALTER TABLE counters REMOVE TTL")
    counted = Counted(client, "default")
    counted.article("1", title="Қала ⚡", url="https://n.example/1")
    counted.article("2", title=HOSTILE, url="javascript:alert(1)")
    for views, article_id in enumerate("321"):
        counted.event(article_id, ago(minutes=5), views=1200 * (views + 1), likes=views)
    counted.write()
    client.close()
    return settings


@asynccontextmanager
async def site(settings: RankingSettings, attributes: str = "") -> AsyncIterator[str]:
    """The address of a page with the element on it, beside the service it asks."""
    async with (
        ranking_app(settings, clock=lambda: int(NOW.timestamp() * 1000)) as ranking,
        url_of(ranking) as service,
    ):
        html = PAGE.format(service=service, attributes=attributes)
        # A strict policy: what the widget does must need no exception but its own address.
        policy = (
            "default-src 'none'; style-src 'none'; script-src 'unsafe-inline' {0}; connect-src {0}"
        )
        headers = {"Content-Security-Policy": policy.format(f"{service}/")}

        async def page(_: Request) -> Response:
            return Response(html.encode(), content_type="text/html; charset=utf-8", headers=headers)

        other = Application(ServiceSettings())
        other.add("GET", "/", page)
        async with url_of(other) as url:
            yield f"{url}/"


async def seen(url: str, profile: Path) -> str:
    """Return what the page wrote about itself once it was quiet."""
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
    flags += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
    browser = await asyncio.create_subprocess_exec(
        tool("chromium"),
        *flags,
        f"--user-data-dir={profile}",
        "--virtual-time-budget=4000",
        "--dump-dom",
        url,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    out, _ = await browser.communicate()
    match = re.search(r'<pre id="seen">(.*?)</pre>', out.decode(), re.DOTALL)
    assert match, out.decode()
    return unescape(match[1])


async def test_widget_shows_rows_as_text(settings: RankingSettings, tmp_path: Path) -> None:
    async with site(settings) as url:
        seen_text = await seen(url, tmp_path / "profile")
    assert '"kind":"shown"' in seen_text
    assert '"images":0' in seen_text
    assert f'"rows":["1Қала ⚡Қаралым: 3\u202f600 · Пікір: 0 · Ұнату: 2","2{HOSTILE}' in seen_text
    assert '"links":["https://n.example/1"]' in seen_text
    assert '"label":"Ең көп оқылғандар"' in seen_text
    # Its style holds under the page's policy.
    assert '"line":"grid"' in seen_text


async def test_widget_keeps_fallback_when_list_is_unavailable(
    settings: RankingSettings, tmp_path: Path
) -> None:
    async with site(settings, attributes=' window="never"') as url:
        seen_text = await seen(url, tmp_path / "profile")
    assert '"kind":"error"' in seen_text
    assert '"slotted":["Fallback"]' in seen_text
