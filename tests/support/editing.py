"""A site that editors decide about in a browser: through every service."""

import json
import urllib.request
from dataclasses import dataclass
from typing import Any

from playwright.async_api import Locator, Page, expect

from mostread.infra.auth.tokens import hash_token
from tests.support.collector import TOKENS
from tests.support.system import Service, System, wait_until

HOSTILE = "<img src=x onerror=document.title='hit'>\u2067&lt;b&gt; {title}"
SECRET = "a secret of this test that is long"
KNOWN = ",".join(f"{role}-name:{role}:{hash_token(token)}" for role, token in TOKENS.items())


@dataclass
class EditedSite:
    """A system, and a site of three articles: a, b and c in this order."""

    system: System
    collector: Service
    ranking: Service
    site: str = ""

    @property
    def address(self) -> str:
        return f"{self.ranking.url}/?site={self.site}"

    def article(self, article_id: str) -> str:
        return f"{self.ranking.url}/articles/{article_id}?site={self.site}"

    def send(self, role: str, method: str, path: str, body: object) -> None:
        request = urllib.request.Request(
            f"{self.collector.url}{path}?site={self.site}",
            method=method,
            data=json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {TOKENS[role]}"},
        )
        urllib.request.urlopen(request).close()

    def listed(self) -> int:
        with urllib.request.urlopen(f"{self.ranking.url}/v1/most-read?site={self.site}") as answer:
            return len(json.load(answer)["items"])

    def placed(self, article_id: str, **fields: object) -> None:
        """Decide as a colleague; return once the ranking service knows."""
        before = len(self.log(article_id))
        self.send("editor", "PUT", f"/v1/articles/{article_id}/placement", fields)
        wait_until(lambda: len(self.log(article_id)) > before, "the decision is in the log")

    def log(self, article_id: str) -> list[Any]:
        """Return the decisions about an article, newest first."""
        request = urllib.request.Request(
            f"{self.ranking.url}/v1/articles/{article_id}/placements?site={self.site}",
            headers={"Authorization": f"Bearer {TOKENS['editor']}"},
        )
        with urllib.request.urlopen(request) as answer:
            items: list[Any] = json.load(answer)["items"]
        return items


async def sign_in(page: Page, token: str = TOKENS["editor"]) -> None:
    await page.locator(".tools [data-act=sign]").click()
    await page.locator("#token-shown").fill(token)
    await page.keyboard.press("Enter")


async def signed_in(page: Page) -> None:
    await sign_in(page)
    await expect(page.locator("#token")).to_be_hidden()


def row(page: Page, article_id: str) -> Locator:
    return page.locator(f'li[data-key="{article_id}"]')


async def shown(page: Page, *articles: str) -> None:
    """Expect that the page lists these articles, those with a mark pinned."""
    rows = page.locator("[data-part=list] li[data-key]")
    await expect(rows).to_have_count(len(articles))
    for number, article in enumerate(articles):
        await expect(rows.nth(number)).to_have_attribute("data-key", article.rstrip("!"))
        await expect(rows.nth(number).locator(".pinned")).to_have_count(int(article.endswith("!")))
