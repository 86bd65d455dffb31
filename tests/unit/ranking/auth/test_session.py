"""Signing in to a running ranking service, and what a session permits."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from mostread.infra.auth import token_file
from mostread.infra.auth.tokens import Role, Token, hash_token, rotate
from tests.support.http import every
from tests.support.signing_in import (
    ADMIN,
    CMS,
    EDITOR,
    NOW,
    OLDER,
    SECRET,
    SPORT,
    TOKENS,
    VIEWER,
    Browser,
    Clock,
    browsing,
)

LOG = "/v1/articles/a/placements"
PLACEMENT = "/v1/articles/a/placement"


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with browsing() as browser:
        yield browser


async def test_sign_in_describes_the_editor_and_sets_an_unreadable_cookie(browser: Browser) -> None:
    status, account, answer = await browser.sign_in(f" {SPORT} ")
    assert status == 200
    assert account == {
        "name": "sam",
        "role": "editor",
        "sites": ["chess", "sport"],
        "signed_in_by": "token",
        "expires": "2026-12-23T19:23:07.000Z",
    }
    cookie = answer.headers["Set-Cookie"]
    name, _, attributes = cookie.partition("=")
    assert name == "mostread_session"
    assert attributes.endswith("; Path=/; Max-Age=2592000; HttpOnly; SameSite=Lax")
    assert SPORT not in cookie
    assert hash_token(SPORT) not in cookie
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert (await browser.ask("GET", "/v1/session"))[1] == account


async def test_signing_in_and_out_is_logged_with_the_name_and_never_the_token(
    browser: Browser,
) -> None:
    with capture_logs() as logs:
        await browser.sign_in("guess")
        await browser.sign_in(CMS)
        await browser.sign_in(EDITOR)
        await browser.ask("DELETE", "/v1/session")
    lines = [line for line in logs if line["event"] == "change"]
    assert [(line["action"], line["by"], line["role"], line["outcome"]) for line in lines] == [
        ("POST /v1/session", "our-cms", "cms", "refused"),
        ("POST /v1/session", "Айгерім", "editor", "done"),
        ("DELETE /v1/session", "Айгерім", "editor", "done"),
    ]
    assert not any(secret in str(logs) for secret in (CMS, EDITOR, "guess"))


async def test_admin_signs_in_and_may_decide_as_an_editor(browser: Browser) -> None:
    assert (await browser.sign_in(ADMIN))[1]["role"] == "admin"
    # Past the check of the role: no collector is configured.
    problem = (await browser.ask("PUT", PLACEMENT, {"hidden": True}))[1]
    assert "MOSTREAD_RANKING_COLLECTOR_URL" in problem["detail"]


def with_expiry(seconds: int) -> dict[str, str]:
    """Return the setting of a viewer whose token ends so long after NOW."""
    expires = datetime.fromtimestamp(NOW // 1000 + seconds, UTC)
    return {"ranking_tokens": Token("w", Role.VIEWER, hash_token(VIEWER), expires=expires).written}


async def test_session_ends_with_its_token() -> None:
    clock = Clock()
    async with browsing(clock, **with_expiry(3600)) as browser:
        status, account, answer = await browser.sign_in(VIEWER)
        assert (status, account["expires"]) == (200, "2026-11-23T20:23:07.000Z")
        assert "Max-Age=3600;" in answer.headers["Set-Cookie"]
        clock.now = NOW + 3_599_999
        assert (await browser.ask("GET", "/v1/session"))[0] == 200
        clock.now = NOW + 3_600_000
        assert (await browser.ask("GET", "/v1/session"))[0] == 401


async def test_session_ends_once_its_token_gets_an_expiry(tmp_path: Path) -> None:
    clock, file = Clock(), tmp_path / "tokens"
    old = Token("w", Role.VIEWER, hash_token(VIEWER))
    new = Token("w", Role.VIEWER, hash_token("new"))
    token_file.update(file, lambda _: [old])
    async with browsing(clock, ranking_tokens="", ranking_tokens_file=str(file)) as browser:
        assert (await browser.sign_in(VIEWER))[0] == 200
        now = datetime.fromtimestamp(NOW // 1000, UTC)
        token_file.update(file, lambda _: rotate([old], new, now=now, overlap=timedelta(hours=1)))
        session, browser.cookies = browser.cookies, {}
        async for _ in every(0.05):
            if (await browser.ask("GET", "/v1/session", Authorization="Bearer new"))[0] == 200:
                break
        browser.cookies = session
        assert (await browser.ask("GET", "/v1/session"))[0] == 200
        clock.now = NOW + 3_600_000
        assert (await browser.ask("GET", "/v1/session"))[0] == 401
        assert (await browser.sign_in("new"))[0] == 200


async def test_signing_in_with_an_expired_token_is_401_with_its_expiry() -> None:
    async with browsing(Clock(), **with_expiry(0)) as browser:
        status, problem, _ = await browser.sign_in(VIEWER)
        assert status == 401
        assert "The token 'w' expired at 2026-11-23T19:23:07Z" in problem["detail"]


async def test_cookie_is_secure_and_of_this_host_alone_over_https(browser: Browser) -> None:
    answer = (await browser.sign_in(EDITOR, Origin=browser.url.replace("http", "https")))[2]
    assert answer.headers["Set-Cookie"].startswith("__Host-mostread_session=")
    assert answer.headers["Set-Cookie"].endswith("; Secure")
    assert (await browser.ask("GET", "/v1/session"))[1]["name"] == "Айгерім"


async def test_cookie_that_another_host_may_have_set_is_ignored_over_https(
    browser: Browser,
) -> None:
    await browser.sign_in(EDITOR)
    https = {"X_Forwarded_Proto": "https"}
    assert (await browser.ask("GET", "/v1/session"))[0] == 200
    assert (await browser.ask("GET", "/v1/session", **https))[0] == 401
    browser.cookies = {f"__Host-{name}": value for name, value in browser.cookies.items()}
    assert (await browser.ask("GET", "/v1/session", **https))[0] == 200


async def test_cookie_is_limited_to_the_path_of_the_public_address() -> None:
    async with browsing(ranking_public_url="https://news.example/most-read") as browser:
        cookie = (await browser.sign_in(EDITOR, Origin="https://news.example"))[2]
        assert "; Path=/most-read/; " in cookie.headers["Set-Cookie"]
        assert cookie.headers["Set-Cookie"].startswith("mostread_session=")


@pytest.mark.parametrize(
    ("token", "status"), [("guess", 401), ("", 401), (CMS, 403), ("Айгерім", 401), ("\ud800", 400)]
)
async def test_sign_in_refuses_unknown_tokens_and_those_of_programs(
    browser: Browser, token: str, status: int
) -> None:
    answered, problem, answer = await browser.sign_in(token)
    assert answered == status
    assert "Set-Cookie" not in answer.headers
    assert problem["type"].startswith("urn:mostread:problem:")
    assert (await browser.ask("GET", "/v1/session"))[0] == 401


@pytest.mark.parametrize("body", [None, {}, {"token": 1}, {"token": EDITOR, "role": "editor"}])
async def test_sign_in_refuses_other_bodies(browser: Browser, body: object) -> None:
    assert (await browser.ask("POST", "/v1/session", body))[0] == 400


async def test_sign_out_removes_the_cookie(browser: Browser) -> None:
    await browser.sign_in(EDITOR)
    status, _, answer = await browser.ask("DELETE", "/v1/session")
    assert status == 204
    assert "Max-Age=0" in answer.headers["Set-Cookie"]
    assert (await browser.ask("GET", "/v1/session"))[0] == 401


FOREIGN = [
    {"Sec_Fetch_Site": "cross-site", "Origin": "https://evil.example"},
    {"Sec_Fetch_Site": "same-site", "Origin": "https://blog.news.example"},
    {"Sec_Fetch_Site": "none", "Origin": ""},
    {"Sec_Fetch_Site": "", "Origin": "https://evil.example"},
    {"Sec_Fetch_Site": "", "Origin": "null"},
]


@pytest.mark.parametrize("headers", [*FOREIGN, {"Sec_Fetch_Site": "", "Origin": ""}])
@pytest.mark.parametrize(
    ("method", "path"),
    [("DELETE", "/v1/session"), ("PUT", PLACEMENT), ("DELETE", PLACEMENT)],
)
async def test_foreign_page_cannot_use_a_session(
    browser: Browser, headers: dict[str, str], method: str, path: str
) -> None:
    await browser.sign_in(EDITOR)
    status, problem, _ = await browser.ask(method, path, {}, **headers)
    assert status == 403
    assert "Only pages of this service" in problem["detail"]
    assert (await browser.ask("GET", "/v1/session"))[0] == 200


@pytest.mark.parametrize("headers", FOREIGN)
async def test_foreign_page_cannot_sign_a_reader_in(
    browser: Browser, headers: dict[str, str]
) -> None:
    status, _, answer = await browser.sign_in(EDITOR, **headers)
    assert (status, "Set-Cookie" in answer.headers) == (403, False)


async def test_page_is_recognised_by_origin_where_browsers_send_nothing_else(
    browser: Browser,
) -> None:
    await browser.sign_in(EDITOR, Sec_Fetch_Site="")
    assert (await browser.ask("DELETE", "/v1/session", Sec_Fetch_Site=""))[0] == 204


@pytest.mark.parametrize(
    ("public_url", "forwarded", "origin", "status"),
    [
        ("", "", "http://{host}", 204),
        ("", "", "https://{host}", 204),
        ("", "http", "https://{host}", 403),
        ("", "https", "http://{host}", 403),
        ("", "https", "https://{host}", 204),
        ("", "https, http", "https://{host}", 204),
        ("https://{host}", "", "http://{host}", 403),
        ("https://{host}", "", "https://{host}", 204),
        ("https://news.example", "", "http://news.example", 403),
        ("https://news.example", "", "https://news.example", 204),
        ("https://News.example/most-read", "http", "https://news.example", 204),
    ],
)
async def test_origin_must_have_the_scheme_of_this_service_where_it_is_known(
    public_url: str, forwarded: str, origin: str, status: int
) -> None:
    host = "127.0.0.1:8080"
    async with browsing(ranking_public_url=public_url.format(host=host)) as browser:
        headers = {"Host": host, "Origin": origin.format(host=host), "Sec_Fetch_Site": ""}
        answered = await browser.ask(
            "DELETE", "/v1/session", X_Forwarded_Proto=forwarded, **headers
        )
        assert answered[0] == status


async def test_sessions_of_a_revoked_token_end_and_others_stay(tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    token_file.update(file, lambda _: TOKENS)
    async with browsing(ranking_tokens="", ranking_tokens_file=str(file)) as browser:
        await browser.sign_in(SPORT)
        # A new token of the same name does not revive the sessions of the old one.
        new = Token("sam", Role.EDITOR, hash_token("new"))
        token_file.update(file, lambda known: [new, *(t for t in known if t.name != "sam")])
        async for _ in every(0.05):
            if (await browser.ask("GET", "/v1/session"))[0] == 401:
                break
        await browser.sign_in(EDITOR)
        assert (await browser.ask("GET", "/v1/session"))[0] == 200


async def test_session_follows_a_changed_role_and_sites(tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    token_file.update(file, lambda _: TOKENS)
    async with browsing(ranking_tokens="", ranking_tokens_file=str(file)) as browser:
        await browser.sign_in(SPORT)
        less = Token("sam", Role.VIEWER, hash_token(SPORT), frozenset({"chess"}))
        token_file.update(file, lambda known: [less, *(t for t in known if t.name != "sam")])
        async for _ in every(0.05):
            account = (await browser.ask("GET", "/v1/session"))[1]
            if (account["role"], account["sites"]) == ("viewer", ["chess"]):
                break


async def test_session_ends_after_its_days() -> None:
    clock = Clock()
    async with browsing(clock, ranking_session_days=2) as browser:
        await browser.sign_in(EDITOR)
        clock.now = NOW + 2 * 86_400_000 - 1
        assert (await browser.ask("GET", "/v1/session"))[0] == 200
        clock.now += 1
        assert (await browser.ask("GET", "/v1/session"))[0] == 401


async def test_processes_with_one_secret_share_sessions_also_while_it_is_replaced() -> None:
    async with browsing(secret=OLDER) as one, browsing(secret=f"{SECRET},{OLDER}") as two:
        await one.sign_in(EDITOR)
        two.cookies = one.cookies
        assert (await two.ask("GET", "/v1/session"))[0] == 200
        await two.sign_in(EDITOR)
        assert (await one.ask("GET", "/v1/session"))[0] == 401


async def test_without_secret_sessions_belong_to_one_process() -> None:
    async with browsing(secret="") as one, browsing(secret="") as two:
        await one.sign_in(EDITOR)
        assert (await one.ask("GET", "/v1/session"))[0] == 200
        two.cookies = one.cookies
        assert (await two.ask("GET", "/v1/session"))[0] == 401


async def test_bearer_token_outranks_a_session_and_needs_no_origin(browser: Browser) -> None:
    await browser.sign_in(VIEWER)
    bearer = {"Authorization": f"Bearer {SPORT}", "Origin": "", "Sec_Fetch_Site": ""}
    assert (await browser.ask("GET", "/v1/session", **bearer))[1]["name"] == "sam"
    status, problem, _ = await browser.ask("PUT", f"{PLACEMENT}?site=sport", {}, **bearer)
    assert (status, "cannot reach a collector" in problem["detail"]) == (403, True)


@pytest.mark.parametrize("token", [VIEWER, SPORT])
@pytest.mark.parametrize(("method", "path"), [("GET", LOG), ("PUT", PLACEMENT)])
async def test_only_editors_of_a_site_read_its_log_and_decide(
    browser: Browser, token: str, method: str, path: str
) -> None:
    await browser.sign_in(token)
    status, problem, _ = await browser.ask(
        method, f"{path}?site=news", {} if method == "PUT" else None
    )
    assert status == 403
    assert "is not an editor of the site 'news'" in problem["detail"]


async def test_forged_and_foreign_cookies_are_ignored(browser: Browser) -> None:
    await browser.sign_in(EDITOR)
    real = browser.cookies["mostread_session"]
    for forged in ("", "x", real[:-2], f"{real}x", real.swapcase(), '"' + real + '"'):
        browser.cookies = {"mostread_session": forged}
        assert (await browser.ask("GET", "/v1/session"))[0] == 401
    for before, status in ((3, 200), (4, 401)):
        values = "; ".join(["mostread_session=x"] * before + [f"mostread_session={real}"])
        browser.cookies = {}
        assert (await browser.ask("GET", "/v1/session", Cookie=values))[0] == status
    browser.cookies = {"other": "1", "mostread_session": real}
    assert (await browser.ask("GET", "/v1/session"))[0] == 200
