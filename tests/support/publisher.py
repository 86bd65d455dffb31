"""A publisher: a web site, mostread, and readers with a Chromium each."""

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import ge
from typing import NamedTuple
from urllib.parse import quote

from playwright.sync_api import Browser, BrowserContext

from tests.support.newspaper import Newspaper
from tests.support.system import System, wait_until

NEWS = "http://news.example"
COLLECT = "http://collect.example"
TRACKER = f"{COLLECT}/tracker.js"


class Numbers(NamedTuple):
    """The totals of an article according to the ranking."""

    views: int = 0
    comments: int = 0
    likes: int = 0


def script(attributes: str = "", src: str = TRACKER) -> str:
    """Return the tag that counts; Playwright is automation, and is to be counted."""
    return f'<script async src="{src}" data-automation {attributes}></script>'


def page(head: str, body: str = "<h1>Дала жылқысы</h1>") -> str:
    return f'<!doctype html><html lang="kk"><head>{head}</head><body>{body}</body></html>'


class Said(NamedTuple):
    """An answer of the ranking: what is counted, and until when all is."""

    total: Numbers
    as_of: datetime


NEVER = datetime.fromtimestamp(0, UTC)


def hosts(newspaper: Newspaper, system: System) -> dict[str, int]:
    """Return the ports behind the names that readers know."""
    return {"news.example": newspaper.port, "collect.example": system.services[0].port}


@dataclass
class Publisher:
    """Pages are written at `newspaper`; readers find them at news.example."""

    newspaper: Newspaper
    system: System
    browser: Browser

    def __post_init__(self) -> None:
        self.collector, _, self.ranking = self.system.services[:3]

    def article(self, name: str, attributes: str = "", head: str = "") -> str:
        """Publish an article whose tag names it, and return its address."""
        self.newspaper.pages[f"/{name}"] = page(
            script(f'data-article="{name}" {attributes}') + head
        )
        return f"{NEWS}/{name}"

    def reader(self) -> BrowserContext:
        """Return a reader who has never been here."""
        return self.browser.new_context()

    def counts(self, numbers: Mapping[str, tuple[int, ...]], site: str = "default") -> None:
        """Fail unless these are the numbers, once all that came until now is counted.

        Expected events may still be on their way; unexpected ones must have arrived by then.
        """
        expected = {name: Numbers(*given) for name, given in numbers.items()}
        # An event of our own, since nothing is complete up to any time where nothing ever came.
        body = b'{"type": "view", "article_id": "own"}'
        urllib.request.urlopen(f"{self.collector.url}/v1/events", body).close()
        now = datetime.now(UTC)
        wait_until(lambda: self._said("most-read").as_of > now, "all until now is counted")
        for name, wanted in expected.items():
            address = f"articles/{quote(name, safe='')}?site={site}"
            if any(wanted):
                self._wait_for(address, wanted, now)
            assert (name, self._said(address).total) == (name, wanted)

    def _wait_for(self, address: str, wanted: Numbers, now: datetime) -> None:
        def is_there() -> bool:
            article = self._said(address)
            return article.as_of > now and all(map(ge, article.total, wanted))

        wait_until(is_there, f"{address} has {wanted}")

    def _said(self, address: str) -> Said:
        try:
            with urllib.request.urlopen(f"{self.ranking.url}/v1/{address}") as answer:
                article = json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                if error.code != 404:
                    raise
                return Said(Numbers(), NEVER)
        as_of = datetime.fromisoformat(article["as_of"]) if article["as_of"] else NEVER
        return Said(Numbers(**article.get("total", {})), as_of)
