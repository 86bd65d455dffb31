"""Libraries that replace a page's body, and apps that replace its head."""

from pathlib import Path

import pytest

from tests.support.publisher import NEWS, Publisher, page, script
from tests.support.system import wait_until

VENDOR = Path(__file__).parents[2] / "vendor"


def library(publisher: Publisher, name: str) -> str:
    """Serve a vendored library, and return its tag."""
    publisher.newspaper.pages[f"/{name}"] = (VENDOR / name).read_text(encoding="utf-8")
    publisher.newspaper.headers[f"/{name}"] = {"Content-Type": "text/javascript; charset=utf-8"}
    return f'<script src="/{name}"></script>'


@pytest.mark.parametrize(
    ("name", "in_head"),
    [("turbo.js", True), ("turbo.js", False), ("htmx.min.js", False)],
    ids=["turbo-head", "turbo-body", "htmx"],
)
def test_tag_of_the_next_page_counts_its_article(
    publisher: Publisher, name: str, *, in_head: bool
) -> None:
    first, second = f"{name}-{in_head}-1", f"{name}-{in_head}-2"
    for this, other in ((first, second), (second, first)):
        tag = script(f'data-article="{this}"')
        link = f'<a href="/{other}" hx-boost="true">go</a>'
        publisher.newspaper.pages[f"/{this}"] = page(
            library(publisher, name) + (tag if in_head else ""), link + ("" if in_head else tag)
        )
    reader = publisher.reader()
    tab = reader.new_page()
    tab.goto(f"{NEWS}/{first}")
    tab.evaluate("sameDocument = true")
    wait_until(lambda: tab.evaluate(RECORDS) == 1, "the tracker counts the first page")
    tab.click("a")
    wait_until(lambda: tab.evaluate(RECORDS) == 2, "the tracker counts the second page")
    tab.evaluate("mostread.like()")
    assert tab.evaluate("sameDocument") is True
    publisher.counts({first: (1,), second: (1, 0, 1)})
    reader.close()


RECORDS = "Object.keys(localStorage).filter((key) => key.startsWith('mostread:view')).length"


def test_app_that_removes_an_address_first_counts_no_page_between(publisher: Publisher) -> None:
    head = script() + '<meta property="og:type" content="article">'
    publisher.newspaper.pages["/swap/1"] = page(head + '<link rel=canonical href="/swapped/1">')
    reader = publisher.reader()
    tab = reader.new_page()
    tab.goto(f"{NEWS}/swap/1")
    wait_until(lambda: tab.evaluate(RECORDS) == 1, "the tracker counts the first page")
    tab.evaluate(
        """() => {
        history.pushState({}, "", "/swap/2");
        let link = document.querySelector("link");
        link.remove();
        setTimeout(() => { link.href = "/swapped/2"; document.head.append(link) }, 1800);
    }"""
    )
    wait_until(lambda: tab.evaluate(RECORDS) == 2, "the tracker counts the second page")
    articles = {"/swapped/1": (1,), "/swapped/2": (1,), "/swap/1": (0,), "/swap/2": (0,)}
    publisher.counts(articles)
    reader.close()
