"""A closed dashboard: what readers, viewers and visitors with a link may see."""

import html
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from mostread.infra.auth import token_file
from mostread.infra.auth.tokens import Role, Token, hash_token
from mostread.infra.schemas import openapi
from mostread.ranking.pages.gate import PUBLIC
from tests.support.http import every
from tests.support.signing_in import (
    CMS,
    EDITOR,
    NOW,
    SPORT,
    TOKENS,
    VIEWER,
    Browser,
    Clock,
    browsing,
)

PAGES = ["/", "/articles/a", "/articles/a/decisions"]
DATA = ["/live?page=limit%3D5", "/v1/articles/a", "/v1/articles/a/series", "/v1/totals"]
# The response to anyone who may see a page: there is no database.
ADMITTED = 503


@pytest.fixture
async def closed() -> AsyncIterator[Browser]:
    async with browsing(ranking_dashboard="signed_in") as browser:
        yield browser


async def test_readers_get_a_page_to_sign_in_and_no_data(closed: Browser) -> None:
    for path in PAGES:
        status, page, answer = await closed.ask("GET", path)
        assert (status, 'id="token-shown"' in page) == (401, True)
        assert answer.headers["Cache-Control"] == "private, no-store"
    for path in DATA:
        status, problem, _ = await closed.ask("GET", path)
        assert (status, problem["type"]) == (401, "urn:mostread:problem:unauthorized")


FORM = {"Content_Type": "application/x-www-form-urlencoded"}


@pytest.mark.parametrize(
    "page", ["/", "/?site=sport&window=7d", "/articles/a%2Fb?lang=ru", "/articles/a/decisions"]
)
async def test_form_without_scripts_signs_in_and_leads_back(closed: Browser, page: str) -> None:
    text = (await closed.ask("GET", page))[1]
    assert 'method="post"' in text
    assert re.search(r'name="token"', text)
    field = re.search(r'name="page" value="([^"]*)"', text)
    assert field
    back = html.unescape(field[1])
    assert f"/{back}" == page
    form = urlencode({"token": f" {SPORT} ", "page": back})
    status, _, answer = await closed.send("POST", "/v1/session", form, **FORM)
    assert (status, answer.headers["Location"]) == (303, f"../{back}")
    assert (await closed.ask("GET", "/v1/session"))[1]["name"] == "sam"


@pytest.mark.parametrize(
    "page",
    ["https://evil.example/", "//evil.example", "/\\evil.example", "../evil", "?a=\r\nX: y", "?é"],
)
async def test_form_leads_to_no_other_place(closed: Browser, page: str) -> None:
    form = urlencode({"token": SPORT, "page": page})
    answer = (await closed.send("POST", "/v1/session", form, **FORM))[2]
    assert (answer.status, answer.headers["Location"]) == (303, "../")


@pytest.mark.parametrize(
    ("token", "status", "message"),
    [
        ("guess", 401, "not known here"),
        ("", 401, "not known here"),
        (b"\xff", 401, "not known here"),
        (CMS, 403, "belongs to a program"),
    ],
)
async def test_form_with_a_wrong_token_is_shown_again(
    closed: Browser, token: str | bytes, status: int, message: str
) -> None:
    form = urlencode({"token": token, "page": "articles/a"})
    answered, text, answer = await closed.send("POST", "/v1/session", form, **FORM)
    assert (answered, message in text) == (status, True)
    assert 'name="page" value="articles/a"' in text
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "", "Origin": "https://evil.example"},
        {"Sec_Fetch_Site": "", "Origin": "null"},
        {"Sec_Fetch_Site": "", "Origin": ""},
    ],
)
async def test_form_of_a_foreign_page_is_refused(closed: Browser, headers: dict[str, str]) -> None:
    form = urlencode({"token": SPORT})
    status, _, answer = await closed.send("POST", "/v1/session", form, **FORM, **headers)
    assert (status, "Set-Cookie" in answer.headers) == (403, False)


async def test_sign_in_of_the_company_can_lead_back() -> None:
    async with browsing(
        ranking_dashboard="signed_in",
        ranking_public_url="https://news.example/most-read",
        ranking_proxy_sign_in_url="/oauth2/start?rd={page}",
    ) as browser:
        text = (await browser.ask("GET", "/articles/a%2Fb?tz=UTC"))[1]
        assert 'href="/oauth2/start?rd=%2Fmost-read%2Farticles%2Fa%252Fb%3Ftz%3DUTC"' in text


async def test_lists_widget_feeds_and_counts_stay_public(closed: Browser) -> None:
    for path in sorted(
        PUBLIC - {"/v1/session", "/v1/links", "/share/{link}", "/metrics", "/openapi.json"}
    ):
        query = "?id=a" if path == "/v1/counts" else ""
        status = (await closed.ask("GET", path.replace("{name}", "base.css") + query))[0]
        assert status in (200, ADMITTED), path


async def test_every_operation_is_closed_unless_it_is_listed_as_public(closed: Browser) -> None:
    operations = [
        (method.upper(), path)
        for path, item in openapi("ranking")["paths"].items()
        for method in item
        if path not in PUBLIC and method != "parameters"
    ]
    assert ("PUT", "/v1/placement") in operations
    for method, path in operations:
        answered = await closed.ask(method, path.replace("{article_id}", "a"))
        assert (path, method, answered[0]) == (path, method, 401)
        described = openapi("ranking")["paths"][path][method.lower()]["responses"]
        assert (path, {"401", "403"} - described.keys()) == (path, set())


@pytest.mark.parametrize("token", [EDITOR, VIEWER])
async def test_people_who_are_signed_in_see_pages_and_data(closed: Browser, token: str) -> None:
    await closed.sign_in(token)
    for path in [*PAGES[:2], *DATA]:
        assert (await closed.ask("GET", path))[0] == ADMITTED, path


async def test_programs_read_with_a_token_of_people_only(closed: Browser) -> None:
    for token, status in ((VIEWER, ADMITTED), (CMS, 403), ("guess", 401)):
        headers = {"Authorization": f"Bearer {token}", "Origin": "", "Sec_Fetch_Site": ""}
        assert (await closed.ask("GET", "/v1/articles/a", **headers))[0] == status


async def test_people_see_only_their_sites(closed: Browser) -> None:
    await closed.sign_in(SPORT)
    assert (await closed.ask("GET", "/?site=sport"))[0] == ADMITTED
    assert (await closed.ask("GET", "/v1/articles/a?site=chess"))[0] == ADMITTED
    status, page, _ = await closed.ask("GET", "/?site=news")
    assert (status, "no access to the site “news”" in page) == (403, True)
    for path in ("/v1/articles/a", "/v1/articles/a?site=news", "/v1/totals?site=news"):
        assert (await closed.ask("GET", path))[0] == 403
    # Every page of a stream counts, and the first of a repeated parameter.
    one, both = "/live?page=site%3Dsport", "/live?page=site%3Dsport&page=site%3Dnews"
    assert (await closed.ask("GET", one))[0] == ADMITTED
    assert (await closed.ask("GET", both))[0] == 403
    assert (await closed.ask("GET", "/v1/articles/a?site=sport&site=news"))[0] == 400
    # Without a site in the address, the page is of the first site that they may see.
    status, _, answer = await closed.ask("GET", "/")
    assert (status, answer.headers["Location"]) == (303, "?site=chess")


async def shared(
    browser: Browser, page: str = "?site=sport&window=7d", days: int = 7
) -> tuple[int, str]:
    """Make a link as an editor of sport, then forget the session."""
    await browser.sign_in(SPORT)
    status, made, _ = await browser.ask("POST", "/v1/links", {"page": page, "days": days})
    browser.cookies.clear()
    return status, f"/{made['path']}" if status == 201 else made["detail"]


async def test_link_lets_a_browser_read_its_site_until_it_ends() -> None:
    clock = Clock()
    async with browsing(clock, ranking_dashboard="signed_in") as browser:
        status, link = await shared(browser)
        assert status == 201
        status, _, answer = await browser.ask("GET", link, Origin="", Sec_Fetch_Site="none")
        assert (status, answer.headers["Location"]) == (303, "../?site=sport&window=7d")
        assert "Max-Age=604800; HttpOnly; SameSite=Lax" in answer.headers["Set-Cookie"]
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        account = (await browser.ask("GET", "/v1/session"))[1]
        assert (account["role"], account["sites"]) == ("viewer", ["sport"])
        assert (account["signed_in_by"], account["name"]) == ("link", "")
        assert (await browser.ask("GET", "/?site=sport"))[0] == ADMITTED
        assert (await browser.ask("GET", "/?site=chess"))[0] == 403
        clock.now = NOW + 7 * 86_400_000
        assert (await browser.ask("GET", "/?site=sport"))[0] == 401
        status, page, answer = await browser.ask("GET", link)
        assert (status, "no longer valid" in page, "Set-Cookie" in answer.headers) == (
            410,
            True,
            False,
        )


async def test_link_to_the_longest_address_fits_into_a_cookie(closed: Browser) -> None:
    query = f"?site=sport&{'tag=' + 'x' * 1580}"
    status, link = await shared(closed, f"articles/{quote('ж' * 128)}{query}")
    assert status == 201
    _, _, answer = await closed.ask("GET", link)
    # Browsers keep no cookie of more than 4,096 bytes.
    assert len(answer.headers["Set-Cookie"]) < 4096
    assert (await shared(closed, f"{query}{'x' * 99}"))[0] == 400


async def test_error_page_shows_the_id_of_its_request(closed: Browser) -> None:
    status, page, answer = await closed.ask("GET", "/share/none", X_Request_Id="a/b+c")
    assert (status, answer.headers["X-Request-Id"]) == (410, "a/b+c")
    assert "<code>a/b+c</code>" in page


async def test_visitor_with_a_link_decides_nothing_and_makes_no_links(closed: Browser) -> None:
    link = (await shared(closed))[1]
    await closed.ask("GET", link)
    for method, path, body in (
        ("PUT", "/v1/articles/a/placement?site=sport", {"hidden": True}),
        ("DELETE", "/v1/placement?id=a&site=sport", None),
        ("GET", "/v1/articles/a/placements?site=sport", None),
        ("GET", "/v1/decisions?site=sport", None),
        ("GET", "/v1/most-read?site=sport&undescribed=1", None),
        ("POST", "/v1/links", {"page": "?site=sport"}),
    ):
        assert (await closed.ask(method, path, body))[0] == 403, path


async def test_links_for_two_sites_work_side_by_side(closed: Browser) -> None:
    links = [(await shared(closed, f"?site={site}"))[1] for site in ("sport", "chess")]
    for link in links:
        await closed.ask("GET", link)
    for site, status in (("sport", ADMITTED), ("chess", ADMITTED), ("news", 403)):
        assert (await closed.ask("GET", f"/?site={site}"))[0] == status
    assert (await closed.ask("GET", "/v1/session"))[1]["sites"] == ["chess", "sport"]


async def test_link_of_more_days_replaces_that_of_fewer(closed: Browser) -> None:
    for days in (1, 30):
        link = (await shared(closed, days=days))[1]
        answer = (await closed.ask("GET", link))[2]
        assert f"Max-Age={days * 86_400};" in answer.headers["Set-Cookie"]


@pytest.mark.parametrize("signed_in", ["session", "company"])
async def test_link_shows_its_site_to_somebody_who_is_signed_in_without_the_right(
    signed_in: str,
) -> None:
    company: dict[str, Any] = {
        "ranking_trusted_proxies": "127.0.0.0/8",
        "ranking_proxy_user_header": "X-Forwarded-Email",
        "ranking_proxy_groups": {"newsroom": {"role": "editor"}},
    }
    async with browsing(ranking_dashboard="signed_in", **company) as browser:
        await browser.sign_in(EDITOR)
        made = (await browser.ask("POST", "/v1/links", {"page": "?site=news"}))[1]
        browser.cookies.clear()
        sent = {"X_Forwarded_Email": "ann@news.example"} if signed_in == "company" else {}
        if not sent:
            await browser.sign_in(SPORT)
        assert (await browser.ask("GET", "/?site=news", **sent))[0] == 403
        await browser.ask("GET", f"/{made['path']}", **sent)
        assert (await browser.ask("GET", "/?site=news", **sent))[0] == ADMITTED
        assert (await browser.ask("GET", "/?site=other", **sent))[0] == 403
        assert (await browser.ask("GET", "/v1/session", **sent))[1]["name"] != ""
        for method, path, body in (
            ("PUT", "/v1/articles/a/placement?site=news", {"hidden": True}),
            ("GET", "/v1/articles/a/placements?site=news", None),
            ("POST", "/v1/links", {"page": "?site=news"}),
        ):
            assert (await browser.ask(method, path, body, **sent))[0] == 403, path
        # The rights of a session stay.
        if not sent:
            assert (await browser.ask("POST", "/v1/links", {"page": "?site=sport"}))[0] == 201


async def test_link_ends_with_the_token_of_its_maker(tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    token_file.update(file, lambda _: TOKENS)
    async with browsing(
        ranking_dashboard="signed_in", ranking_tokens="", ranking_tokens_file=str(file)
    ) as browser:
        link = (await shared(browser))[1]
        await browser.ask("GET", link)
        assert (await browser.ask("GET", "/?site=sport"))[0] == ADMITTED
        new = Token("sam", Role.EDITOR, hash_token("new"))
        token_file.update(file, lambda known: [new, *(t for t in known if t.name != "sam")])
        async for _ in every(0.05):
            if (await browser.ask("GET", "/?site=sport"))[0] == 401:
                break
        assert (await browser.ask("GET", link))[0] == 410


async def test_link_keeps_an_editor_signed_in(closed: Browser) -> None:
    link = (await shared(closed))[1]
    await closed.sign_in(EDITOR)
    status, _, answer = await closed.ask("GET", link)
    assert (status, "Set-Cookie" in answer.headers) == (303, False)


@pytest.mark.parametrize(
    "page",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "../evil",
        "articles/../../evil",
        "articles/a/b",
        "articles/",
        "?a=\r\nSet-Cookie: x=y",
        "?é",
        "javascript:alert(1)",
    ],
)
async def test_link_leads_to_no_other_place(closed: Browser, page: str) -> None:
    status, detail = await shared(closed, page)
    assert (status, "is not a page of this service" in detail) == (400, True)


@pytest.mark.parametrize(("days", "status"), [(7.0, 201), (7.5, 400), (0, 400), ("7", 400)])
async def test_days_of_a_link_are_an_integer(closed: Browser, days: object, status: int) -> None:
    await closed.sign_in(EDITOR)
    assert (await closed.ask("POST", "/v1/links", {"days": days}))[0] == status


async def test_link_is_made_by_editors_of_its_site_for_at_most_90_days(closed: Browser) -> None:
    assert (await shared(closed, "articles/a%2Fb?site=chess", days=90))[0] == 201
    for page, days, status in (("", 7, 403), ("?site=news", 7, 403), ("?site=chess", 91, 400)):
        assert (await shared(closed, page, days))[0] == status
    await closed.sign_in(VIEWER)
    assert (await closed.ask("POST", "/v1/links", {}))[0] == 403
    await closed.sign_in(EDITOR)
    assert (await closed.ask("POST", "/v1/links", {}, Sec_Fetch_Site="cross-site"))[0] == 403
    closed.cookies.clear()
    assert (await closed.ask("POST", "/v1/links", {}))[0] == 401


@pytest.mark.parametrize("link", ["x", "a.b", "a%2Fb", "%C3%A9"])
async def test_forged_link_is_refused(closed: Browser, link: str) -> None:
    assert (await closed.ask("GET", f"/share/{link}"))[0] == 410


async def test_session_is_no_link_and_link_no_session(closed: Browser) -> None:
    link = (await shared(closed))[1].removeprefix("/share/")
    await closed.sign_in(EDITOR)
    session = closed.cookies["mostread_session"]
    assert (await closed.ask("GET", f"/share/{session}"))[0] == 410
    closed.cookies = {"mostread_session": link, "mostread_link": session}
    assert (await closed.ask("GET", "/v1/session"))[0] == 401
