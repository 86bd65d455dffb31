"""A browser that signs in to a ranking service, which needs no database for it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import ClientResponse, ClientSession

from mostread.infra.auth.tokens import Role, Token, hash_token
from mostread.ranking.app import ranking_app
from mostread.ranking.config import RankingSettings
from tests.support.http import url_of

SECRET, OLDER = "s" * 32, "o" * 32
EDITOR, SPORT, VIEWER, CMS, ADMIN = "editor's", "sport's", "viewer's", "cms's", "admin's"
TOKENS = (
    Token("Айгерім", Role.EDITOR, hash_token(EDITOR)),
    Token("sam", Role.EDITOR, hash_token(SPORT), frozenset({"sport", "chess"})),
    Token("wall", Role.VIEWER, hash_token(VIEWER)),
    Token("our-cms", Role.CMS, hash_token(CMS)),
    Token("ops", Role.ADMIN, hash_token(ADMIN)),
)
NOW = 1_795_461_787_000


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> int:
        return self.now


class Browser:
    """A client that sends the headers and cookies of a browser on a page of the service."""

    def __init__(self, url: str, http: ClientSession) -> None:
        self.url = url
        self.http = http
        self.cookies: dict[str, str] = {}

    async def ask(
        self, method: str, path: str, body: object = None, **headers: str
    ) -> tuple[int, Any, ClientResponse]:
        """Send a body as JSON."""
        return await self._request(method, path, headers, json=body)

    async def send(
        self, method: str, path: str, body: str, **headers: str
    ) -> tuple[int, Any, ClientResponse]:
        """Send a body as it is."""
        return await self._request(method, path, headers, data=body)

    async def _request(
        self, method: str, path: str, headers: dict[str, str], **body: Any
    ) -> tuple[int, Any, ClientResponse]:
        sent = {"Sec-Fetch-Site": "same-origin", "Origin": self.url}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        given = {name: value for name, value in sent.items() if value}
        async with self.http.request(
            method, self.url + path, headers=given, allow_redirects=False, **body
        ) as answer:
            for name, cookie in answer.cookies.items():
                self.cookies[name] = cookie.value
            is_json = "json" in answer.headers.get("Content-Type", "")
            document = await answer.json(content_type=None) if is_json else await answer.text()
            return answer.status, document, answer

    async def sign_in(self, token: str, **headers: str) -> tuple[int, Any, ClientResponse]:
        return await self.ask("POST", "/v1/session", {"token": token}, **headers)


@asynccontextmanager
async def browsing(
    clock: Clock | None = None, secret: str = SECRET, **settings: Any
) -> AsyncIterator[Browser]:
    chosen: dict[str, Any] = {
        "ranking_tokens": ",".join(token.written for token in TOKENS),
        **settings,
    }
    configured = RankingSettings(
        ranking_port=0,
        clickhouse_url="http://127.0.0.1:9",
        ranking_session_secret=secret,
        **chosen,
    )
    async with (
        ranking_app(configured, clock or Clock()) as app,
        url_of(app) as url,
        ClientSession() as http,
    ):
        yield Browser(url, http)
