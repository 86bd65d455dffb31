"""`mostread doctor --page` agrees with the tracker in Chromium, page by page."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from click.testing import CliRunner

from mostread.cli.doctor import doctor
from mostread.ops.doctor.findings import Level
from mostread.ops.doctor.page.runner import inspect_page
from mostread.ops.doctor.runner import CheckResult
from tests.support.publisher import Publisher, page
from tests.support.servers import free_ports

ARTICLE = '<meta property="og:type" content="article">'
JSON_LD = '<script type="application/ld+json">{"@graph": [{"@type": "NewsArticle"}]}</script>'
PAGES = {
    "named": ("data-article=named", ""),
    "blank": ('data-article=" \n named-2 "', ""),
    "unfilled": ("data-article=undefined", ARTICLE),
    "template": ("data-article={{id}}", ""),
    "plain": ("", ARTICLE),
    "linked": ("", ARTICLE + '<link rel=canonical href="/дала?utm_source=x&amp;id=5">'),
    "og": ("", '<meta property="og:url" content="https://m.example/og-2">' + ARTICLE),
    "broken": ("", ARTICLE + '<link rel=canonical href="https://">'),
    "emptied": ("", ARTICLE + '<link rel=canonical href="">'),
    "graph": ("", JSON_LD),
    "section": ("", '<meta property="og:type" content="website">'),
}


def results_of(url: str) -> list[CheckResult]:
    """Inspect a page in a thread of its own, because Playwright occupies this thread's loop."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(inspect_page, url).result()


@pytest.fixture
def site_url(publisher: Publisher) -> str:
    return f"http://127.0.0.1:{publisher.newspaper.port}"


def test_doctor_agrees_with_the_tracker_in_chromium(publisher: Publisher, site_url: str) -> None:
    src = f"{publisher.collector.url}/tracker.js"
    reader = publisher.reader()
    tab = reader.new_page()
    counted, expected = {}, {}
    for name, (attributes, head) in PAGES.items():
        publisher.newspaper.pages[f"/{name}"] = page(
            f'<script src="{src}" data-localhost {attributes}></script>' + head
        )
        url = f"{site_url}/{name}?utm_source=tw"
        tab.goto(url)
        tab.wait_for_function("!!window.mostread?.like")
        tab.evaluate(
            """() => {
            localStorage.clear();
            dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true }));
        }"""
        )
        sent = tab.evaluate("Object.keys(localStorage)")
        counted[name] = [key.removeprefix("mostread:view,,").strip() for key in sent]
        findings = [finding for result in results_of(url) for finding in result.findings]
        expected[name] = [
            finding.message.split("'")[1] for finding in findings if finding.level is Level.OK
        ]
    assert expected == counted
    reader.close()


def test_doctor_names_what_keeps_a_page_from_counting(
    publisher: Publisher, site_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (unused,) = free_ports(1)
    src = f"{publisher.collector.url}/tracker.js"
    tag = f'<script src="{src}" data-localhost data-article="a" {{}}></script>'
    publisher.newspaper.headers["/forbidden"] = {
        "Content-Security-Policy": "script-src 'self'; connect-src 'none'"
    }
    pages = {
        "untagged": ("", "no tracker tag"),
        "forbidden": (tag, "Content-Security-Policy forbids"),
        "gone": (tag.replace(src, f"http://127.0.0.1:{unused}/tracker.js"), "does not answer"),
        "misplaced": (tag.replace(src, f"{site_url}/tracker.js"), "not with the tracker"),
        "inert": (f"<noscript>{tag}</noscript>", "in <noscript>"),
        "local": (tag.replace("data-localhost", ""), "not counted at 127.0.0.1"),
        "site": (tag.format('data-site="spotr"'), "does not count the site 'spotr'"),
        "origin": (tag.format('data-site="sport"'), "drops events of 'sport'"),
    }
    monkeypatch.setenv(
        "MOSTREAD_COLLECTOR_SITES",
        json.dumps({"default": {}, "sport": {"origins": ["https://sport.example"]}}),
    )
    for name, (head, message) in pages.items():
        publisher.newspaper.pages[f"/{name}"] = page(head)
        results = results_of(f"{site_url}/{name}")
        problems = [
            finding
            for result in results
            for finding in result.findings
            if finding.level is Level.PROBLEM
        ]
        assert any(message in finding.message for finding in problems), (name, problems)
        assert all(finding.advice for finding in problems)


def test_doctor_command_reports_a_page(publisher: Publisher, site_url: str) -> None:
    tag = f'<script src="{publisher.collector.url}/tracker.js" data-localhost></script>'
    publisher.newspaper.pages["/fine"] = page(tag + ARTICLE)
    options = (["--json", "--page", f"{site_url}/fine"], ["--page", f"{site_url}/missing"])
    with ThreadPoolExecutor(1) as thread:
        fine, missing = thread.map(lambda given: CliRunner().invoke(doctor, given), options)
    assert fine.exit_code == 0, fine.output
    assert [finding["message"] for finding in json.loads(fine.output)["findings"]] == [
        "counts a view of '/fine', site 'default'; id from the path of the page"
    ]
    assert missing.exit_code == 1
    assert "page: the page has no tracker tag" in missing.output
