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
    return f'<script async src="{src}" {attributes}></script>'


def page(head: str, body: str = "<h1>Дала жылқысы</h1>") -> str:
    return f'<!doctype html><html lang="kk"><head>{head}</head><body>{body}</body></html>'


class ArticleState(NamedTuple):
    """Totals of an article in a response of the ranking, and its `as_of`."""

    total: Numbers
    as_of: datetime


NEVER = datetime.fromtimestamp(0, UTC)


def hosts(newspaper: Newspaper, system: System) -> dict[str, int]:
    """Return the port of each host name."""
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
        """Return a new reader."""
        return self.browser.new_context()

    def counts(self, numbers: Mapping[str, tuple[int, ...]], site: str = "default") -> None:
        """Fail unless these are the totals once every event received until now is counted.

        Expected events may arrive later; unexpected ones must have arrived by now.
        """
        expected = {name: Numbers(*given) for name, given in numbers.items()}
        # Without any event the watermark would be unknown.
        body = b'{"type": "view", "article_id": "own"}'
        urllib.request.urlopen(f"{self.collector.url}/v1/events", body).close()
        now = datetime.now(UTC)
        wait_until(lambda: self._state("most-read").as_of > now, "all events until now are counted")
        for name, wanted in expected.items():
            address = f"articles/{quote(name, safe='')}?site={site}"
            if any(wanted):
                self._wait_for(address, wanted, now)
            assert (name, self._state(address).total) == (name, wanted)

    def _wait_for(self, address: str, wanted: Numbers, now: datetime) -> None:
        def is_there() -> bool:
            article = self._state(address)
            return article.as_of > now and all(map(ge, article.total, wanted))

        wait_until(is_there, f"{address} has {wanted}")

    def _state(self, address: str) -> ArticleState:
        try:
            with urllib.request.urlopen(f"{self.ranking.url}/v1/{address}") as response:
                article = json.load(response)
        except urllib.error.HTTPError as error:
            with error:
                if error.code != 404:
                    raise
                return ArticleState(Numbers(), NEVER)
        as_of = datetime.fromisoformat(article["as_of"]) if article["as_of"] else NEVER
        return ArticleState(Numbers(**article.get("total", {})), as_of)
