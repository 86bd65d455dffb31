"""nginx in front of a ranking service, which signs people in as the documentation recommends."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from mostread.infra.http.application import Application
from mostread.infra.http.config import ServiceSettings
from mostread.infra.http.messages import Request, Response
from tests.support import nginx
from tests.support.http import url_of
from tests.support.servers import free_ports

PAGE = Path("docs/how-to/sign-in.md")
SECRET = "secret-of-the-proxy"
PEOPLE = {
    "session of aigerim": ("aigerim@news.example", "newsroom,everybody"),
    "session of sam": ("sam@news.example", "everybody"),
}
"""Who has which session cookie at the identity provider, with their groups."""

SETTINGS = {
    "MOSTREAD_RANKING_TRUSTED_PROXIES": "127.0.0.1",
    "MOSTREAD_RANKING_PROXY_USER_HEADER": "X-Forwarded-Email",
    "MOSTREAD_RANKING_PROXY_GROUPS_HEADER": "X-Forwarded-Groups",
    "MOSTREAD_RANKING_PROXY_GROUPS": '{"newsroom": {"role": "editor"}, "*": {"role": "viewer"}}',
    "MOSTREAD_RANKING_PROXY_SECRET": SECRET,
    "MOSTREAD_RANKING_PROXY_SIGN_IN_URL": "/oauth2/start?rd={page}",
    "MOSTREAD_RANKING_DASHBOARD": "signed_in",
    "MOSTREAD_RANKING_LISTED": "described",
}


def sample() -> str:
    """Return the nginx configuration in the documentation."""
    block = re.search(r"\n\n((?:    .*\n|\n)+)", PAGE.read_text().partition("With nginx")[2])
    assert block, PAGE
    return block[1]


def identity_provider() -> Application:
    """Return what answers nginx's auth_request in place of oauth2-proxy."""
    app = Application(ServiceSettings())

    async def check(request: Request) -> Response:
        cookie = request.headers.get("Cookie", "").partition("=")[2]
        if cookie not in PEOPLE:
            return Response(status=401)
        email, groups = PEOPLE[cookie]
        headers = {"X-Auth-Request-Email": email, "X-Auth-Request-Groups": groups}
        return Response(status=202, headers=headers)

    app.add("GET", "/oauth2/auth", check)
    return app


@asynccontextmanager
async def company(directory: Path, ranking: int) -> AsyncIterator[str]:
    """Yield the address of nginx in front of the ranking service at this port."""
    (port,) = free_ports(1)
    async with url_of(identity_provider()) as provider:
        text = sample()
        for pattern, replacement in {
            r"http://127\.0\.0\.1:4180": provider,
            r"http://127\.0\.0\.1:8080": f"http://127.0.0.1:{ranking}",
            r"listen 443 ssl;\s+http2 on;": f"listen 127.0.0.1:{port};",
            r"ssl_certificate(_key)? .*;": "",
            r"most-read\.news\.example": "127.0.0.1",
            r"YOUR-PROXY-SECRET": SECRET,
        }.items():
            text, count = re.subn(pattern, replacement, text)
            assert count, pattern
        with nginx.running(directory, port, text):
            yield f"http://127.0.0.1:{port}"
