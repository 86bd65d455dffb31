"""`mostread articles` with a real collector and a publisher's server."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from mostread.devstack.servers.kafka import LocalKafka
from tests.support.collector import TOKENS, Collecting, collecting
from tests.support.newspaper import Newspaper, newspaper
from tests.support.system import ArticleSync, wait_until

RSS = '<rss version="2.0"><channel><language>kk</language>{items}</channel></rss>'


@pytest.fixture(scope="module")
def running(kafka: LocalKafka, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collecting]:
    with collecting(kafka.brokers, tmp_path_factory.mktemp("collector")) as collector:
        yield collector


@pytest.fixture
def site() -> Iterator[Newspaper]:
    with newspaper() as server:
        yield server


def rss(site: Newspaper, **titles: str) -> str:
    """Return a feed of articles, each with its path and its title."""
    return RSS.format(
        items="".join(
            f"<item><title>{title}</title><category>City</category>"
            f"<link>http://127.0.0.1:{site.port}/{path}?utm_source=rss</link></item>"
            for path, title in titles.items()
        )
    )


def settings(running: Collecting, feeds: str) -> dict[str, str]:
    return {
        "MOSTREAD_ARTICLES_FEEDS": feeds,
        "MOSTREAD_ARTICLES_COLLECTOR_URL": running.url,
        "MOSTREAD_ARTICLES_TOKEN": TOKENS["cms"],
        "MOSTREAD_ARTICLES_INTERVAL_SECONDS": "1",
    }


def titles(running: Collecting, prefix: str) -> dict[str, list[str]]:
    """Return the titles written for the keys with a prefix, in order."""
    written: dict[str, list[str]] = {}
    for _, key, value in running.records(running.kafka.articles_topic):
        if key and key.decode().startswith(prefix):
            name = key.decode().removeprefix(prefix)
            written.setdefault(name, []).append(json.loads(value or b"{}").get("title", ""))
    return written


def run(
    running: Collecting, *arguments: str, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, **settings(running, ""), **(environment or {})}
    command = [sys.executable, "-m", "mostread", "articles", *arguments]
    return subprocess.run(
        command, env=env, capture_output=True, text=True, timeout=120, check=False
    )


def test_sync_describes_new_and_changed_articles_once(
    running: Collecting, site: Newspaper, tmp_path: Path
) -> None:
    url = f"http://127.0.0.1:{site.port}"
    site.pages["/rich"] = rss(site, a="A", b="B")
    site.pages["/poor"] = rss(site, a="Poor", c="C")
    site.headers["/poor"] = {"ETag": '"1"'}
    site.pages["/broken"] = "<html>Moved</html>"
    feeds = f"s={url}/rich?key=secret s={url}/poor broken={url}/broken"
    sync = ArticleSync("articles", settings(running, feeds), tmp_path).start()

    def sample(metric: str, feed: str, name: str) -> float:
        return sync.metric(f'mostread_articles_{metric}{{feed="{url}/{feed}",site="{name}"}}')

    try:
        wait_until(lambda: "neither RSS" in sync.failing(), "the broken feed fails")
        assert f"{url}/broken" in sync.failing()
        wait_until(lambda: sample("described_total", "poor", "s") == 1, "all feeds are read")
        # The later feed does not describe what the earlier one does.
        assert titles(running, "feed:s:") == {"/a": ["A"], "/b": ["B"], "/c": ["C"]}
        site.pages["/rich"] = rss(site, b="B corrected", a="A")
        wait_until(lambda: sample("described_total", "rich", "s") == 3, "the change is described")
        assert sample("feed_items", "rich", "s") == 2
        assert sample("feed_failures_total", "broken", "broken") >= 1

        site.pages["/broken"] = rss(site, d="D")
        wait_until(sync.is_ready, "the feed is fixed")
        assert titles(running, "feed:broken:") == {"/d": ["D"]}
        assert titles(running, "feed:s:") == {"/a": ["A"], "/b": ["B", "B corrected"], "/c": ["C"]}
        assert "secret" not in sync.log.read_text()
    finally:
        assert sync.stop() == 0


def test_single_run_reports_each_feed_and_fails_if_one_does(
    running: Collecting, site: Newspaper
) -> None:
    url = f"http://127.0.0.1:{site.port}"
    foreign = "<item><title>Ad</title><link>https://ads.example/</link></item><item/>"
    site.pages["/feed"] = rss(site, x="X").replace("</channel>", f"{foreign}</channel>")
    site.pages["/index"] = (
        f"<sitemapindex><sitemap><loc>{url}/news</loc></sitemap>"
        f"<sitemap><loc>{url}/missing</loc></sitemap>"
        "<sitemap><loc>http://10.0.0.1/</loc></sitemap></sitemapindex>"
    )
    site.pages["/news"] = (
        '<urlset xmlns:n="http://www.google.com/schemas/sitemap-news/0.9">'
        f"<url><loc>{url}/y</loc><n:news><n:title>Y</n:title></n:news></url></urlset>"
    )
    result = run(running, "sync", "--once", f"once={url}/feed")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == (f"{url}/feed: 3 articles, 1 described, other_host: 1, no_link: 1\n")
    result = run(running, "sync", "--once", f"once={url}/index", f"once={url}/feed")
    assert result.returncode == 1
    assert f"{url}/index: its sitemap {url}/missing: the server responded 404" in result.stderr
    assert f"{url}/feed: 3 articles, 1 described" in result.stdout
    assert titles(running, "feed:once:") == {"/x": ["X", "X"], "/y": ["Y"]}
    assert ("/", "") not in site.requests


def test_import_describes_all_articles_of_a_file_or_none(
    running: Collecting, tmp_path: Path
) -> None:
    file = tmp_path / "articles.csv"
    rows = [f"/{number},T{number}" for number in range(1500)]
    file.write_text("\n".join(["article_id,title", *rows, ",no id"]))
    result = run(running, "import", str(file), "--site", "csv")
    assert result.returncode == 1
    assert "line 1502: there is neither an article_id nor a url" in result.stderr
    file.write_text("\n".join(["article_id,title", *rows]))
    result = run(running, "import", str(file), "--site", "csv", "--dry-run")
    assert result.stdout == "would describe 1,500 articles\n"
    assert titles(running, "article:csv:") == {}
    result = run(running, "import", str(file), "--site", "csv")
    assert (result.returncode, result.stdout) == (0, "described 1,500 articles\n")
    assert titles(running, "article:csv:") == {f"/{n}": [f"T{n}"] for n in range(1500)}


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"MOSTREAD_ARTICLES_TOKEN": ""}, "mostread token create articles --role cms"),
        ({"MOSTREAD_ARTICLES_TOKEN": "another"}, "the collector responded 401"),
        ({"MOSTREAD_ARTICLES_TOKEN": TOKENS["emit"]}, "the collector responded 403"),
    ],
    ids=["none", "unknown", "role"],
)
def test_token_that_does_not_serve_is_an_error_with_the_fix(
    running: Collecting, tmp_path: Path, environment: dict[str, str], message: str
) -> None:
    file = tmp_path / "articles.ndjson"
    file.write_text('{"article_id":"a","title":"A"}')
    result = run(running, "import", str(file), environment=environment)
    assert result.returncode == 1
    assert message in result.stderr


def test_article_whose_address_changes_while_the_service_stops_becomes_an_alias(
    running: Collecting, site: Newspaper, tmp_path: Path
) -> None:
    item = (
        "<item><guid isPermaLink='false'>7</guid><title>{title}</title>"
        f"<link>http://127.0.0.1:{site.port}/{{path}}</link></item>"
    )
    feed = f"moved=http://127.0.0.1:{site.port}/feed"
    state = {"MOSTREAD_ARTICLES_STATE_FILE": str(tmp_path / "items.sqlite3")}
    for path in ("stepe", "steppe", "steppe"):
        site.pages["/feed"] = RSS.format(items=item.format(title="Steppe", path=path))
        assert run(running, "sync", "--once", feed, environment=state).returncode == 0
    written = running.records(running.kafka.articles_topic)
    aliases = [
        (key, json.loads(value or b"")) for _, key, value in written if key and b"alias:" in key
    ]
    assert aliases == [
        (
            b"alias:moved:/stepe",
            {"site": "moved", "article_id": "/stepe", "alias_of": "/steppe", "by": "cms"},
        )
    ]
    assert titles(running, "feed:moved:") == {"/stepe": ["Steppe"], "/steppe": ["Steppe"] * 2}
