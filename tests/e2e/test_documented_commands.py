"""Every `sh` block of the documentation works next to a running demo."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml

from mostread.devstack.ports import Ports
from mostread.infra.clickhouse.client import connect
from mostread.infra.clickhouse.config import ClickHouseSettings
from tests.support.browser import driven
from tests.support.demo import demo
from tests.support.newspaper import newspaper
from tests.support.servers import free_base, free_ports
from tests.support.tools import tool

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
ANALYSIS = ROOT / "docs/how-to/analysis.md"


def blocks(language: str, *documents: Path) -> list[Any]:
    block = re.compile(rf"^```{language}\n(.*?)^```$", re.DOTALL | re.MULTILINE)
    return [
        pytest.param(text, id=f"{document.stem}-{number}")
        for document in documents
        for number, text in enumerate(block.findall(document.read_text()), 1)
    ]


def on_ports(text: str, ports: Ports) -> str:
    """Return a text with the ports of the demo: the documentation uses the default ones."""
    return re.sub(r"\b808(\d)\b", lambda port: str(ports.base + int(port[1])), text)


@pytest.fixture(scope="module")
def demo_checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Ports]]:
    """Yield a folder like a checkout in which `make demo` runs, and its ports."""
    folder = tmp_path_factory.mktemp("checkout")
    (folder / ".venv").symlink_to(Path(sys.prefix))
    ports = Ports(free_base())
    with demo(folder / ".mostread", ports, "--no-traffic"):
        yield folder, ports


PAGE = """<!doctype html><html lang="en"><title>A page title</title>
<meta property="og:type" content="article"><link rel="canonical" href="{url}">{tags}"""

FEED = """<rss version="2.0"><channel><title>News</title><language>en</language>
<item><title>New street lamps &amp;amp; more</title><link>{url}?utm_source=rss</link></item>
<item><title>Nobody reads this</title><link>{url}/unread</link></item></channel></rss>"""


@pytest.mark.browser
def test_tags_and_feed_of_readme_give_a_list_with_headlines(
    demo_checkout: tuple[Path, Ports],
) -> None:
    folder, ports = demo_checkout
    readme = (ROOT / "README.md").read_text()
    (tags,) = re.findall(r"^```html\n(.*?)^```$", readme, re.DOTALL | re.MULTILINE)
    (command,) = re.findall(r"^    (.*mostread articles sync .*)$", readme, re.MULTILINE)
    tags = on_ports(tags, ports)
    tags = tags.replace("data-localhost", "data-localhost data-automation")
    tags = tags.replace("<most-read ", '<most-read refresh="5" ')
    with newspaper() as site, driven({}) as browser:
        home = f"http://127.0.0.1:{site.port}"
        url = f"{home}/2026/11/lamps"
        site.pages["/2026/11/lamps"] = PAGE.format(url=url, tags=tags)
        site.pages["/feed.xml"] = FEED.format(url=url)
        page = browser.new_page()
        page.goto(url)
        process = subprocess.Popen(
            command.replace("https://news.example", home).split(),
            cwd=folder,
            env=os.environ | {"MOSTREAD_ARTICLES_PORT": str(free_ports(1)[0])},
        )
        try:
            links = page.locator("most-read a")
            links.first.wait_for(timeout=120_000)
            assert links.all_inner_texts() == ["New street lamps & more"]
            assert links.get_attribute("href") == url
        finally:
            process.terminate()
            assert process.wait() == 0


@pytest.mark.parametrize("block", blocks("sh", *DOCUMENTS))
def test_documented_block_succeeds(block: str, demo_checkout: tuple[Path, Ports]) -> None:
    folder, ports = demo_checkout
    for name in ("kcat", "node", "php"):
        if re.search(rf"\b{name} [\w-]", block):
            tool(name)
    # Commands find the ports by themselves, in .mostread/env.
    result = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", on_ports(block, ports)],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert "urn:mostread:problem" not in result.stdout, result.stdout
    if "curl" in block and "-X DELETE" not in block:
        assert result.stdout.startswith(("{", "<section")), result.stdout


@pytest.mark.parametrize("query", blocks("sql", ANALYSIS))
def test_documented_query_has_rows(query: str, demo_checkout: tuple[Path, Ports]) -> None:
    # Grafana's plugin replaces its macro by such a condition.
    sql = re.sub(r"\$__timeFilter\((\w+)\)", r"\1 >= toDateTime(0) AND \1 <= now()", query)
    settings = ClickHouseSettings(clickhouse_url=f"http://127.0.0.1:{demo_checkout[1].base + 3}")
    with closing(connect(settings)) as client:
        assert client.query(sql).result_rows


@pytest.mark.parametrize("program", blocks("python", ANALYSIS))
def test_documented_program_prints_rows(program: str, demo_checkout: tuple[Path, Ports]) -> None:
    folder, ports = demo_checkout
    result = subprocess.run(
        [sys.executable, "-c", on_ports(program, ports)],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip()


def test_documented_source_of_grafana_names_the_analyst() -> None:
    (block,) = blocks("yaml", ANALYSIS)
    (source,) = yaml.safe_load(block.values[0])["datasources"]
    assert source["type"] == "grafana-clickhouse-datasource"
    assert source["jsonData"]["username"] == "mostread_analyst"
