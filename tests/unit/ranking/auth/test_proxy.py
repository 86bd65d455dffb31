"""Company sign-in by the headers of a trusted proxy."""

from typing import Any

import pytest
from pydantic import ValidationError
from structlog.testing import capture_logs

from mostread.ranking.config import RankingSettings
from tests.support.signing_in import SPORT, browsing

COMPANY: dict[str, Any] = {
    "ranking_trusted_proxies": "127.0.0.0/8",
    "ranking_proxy_user_header": "X-Forwarded-Email",
    "ranking_proxy_groups_header": "X-Forwarded-Groups",
    "ranking_proxy_groups": {
        "newsroom": {"role": "editor", "sites": ["news"]},
        "role:chief": {"role": "editor"},
        "ops": {"role": "admin", "sites": ["news"]},
        "*": {"role": "viewer"},
    },
}
NAME = "aigerim@news.example"


async def account(settings: dict[str, Any], **headers: str) -> Any:
    async with browsing(**settings) as browser:
        return (await browser.ask("GET", "/v1/session", **headers))[1]


@pytest.mark.parametrize(
    ("groups", "role", "sites"),
    [
        ("", "viewer", None),
        ("other", "viewer", None),
        ("other, newsroom", "editor", ["news"]),
        ("newsroom,role:chief", "editor", None),
        ("ops, role:chief", "admin", ["news"]),
        ("*", "viewer", None),
    ],
)
async def test_groups_determine_role_and_sites(
    groups: str, role: str, sites: list[str] | None
) -> None:
    known = await account(COMPANY, X_Forwarded_Email=NAME, X_Forwarded_Groups=groups)
    assert known == {
        "name": NAME,
        "role": role,
        "sites": sites,
        "signed_in_by": "proxy",
        "expires": None,
    }


async def test_person_without_any_role_is_known_and_sees_nothing() -> None:
    settings = COMPANY | {"ranking_proxy_groups": {"newsroom": {"role": "editor"}}}
    known = await account(settings, X_Forwarded_Email=NAME)
    assert (known["name"], known["role"], known["sites"]) == (NAME, None, [])
    async with browsing(**settings, ranking_dashboard="signed_in") as browser:
        assert (await browser.ask("GET", "/", X_Forwarded_Email=NAME))[0] == 403


@pytest.mark.parametrize(
    ("settings", "headers", "event"),
    [
        ({"ranking_trusted_proxies": "192.0.2.1"}, {}, "proxy_not_trusted"),
        ({}, {"X_Forwarded_Email": "a" * 65}, "proxy_name_not_valid"),
        ({}, {"X_Forwarded_Email": " "}, "proxy_name_not_valid"),
    ],
    ids=["another peer", "long name", "blank name"],
)
async def test_header_that_cannot_be_believed_is_ignored_with_a_warning(
    settings: dict[str, Any], headers: dict[str, str], event: str
) -> None:
    with capture_logs() as logs:
        answer = await account(COMPANY | settings, **{"X_Forwarded_Email": NAME, **headers})
    assert answer["status"] == 401
    assert [entry["event"] for entry in logs if entry["event"].startswith("proxy_")] == [event]


async def test_secret_of_the_proxy_is_required_where_it_is_set() -> None:
    settings = COMPANY | {"ranking_proxy_secret": "only the proxy knows it"}
    sent = {"X_Forwarded_Email": NAME}
    right = {"X_Mostread_Proxy_Secret": "only the proxy knows it"}
    assert (await account(settings, **sent, **right))["name"] == NAME
    for wrong in ({}, {"X_Mostread_Proxy_Secret": "only"}):
        assert (await account(settings, **sent, **wrong))["status"] == 401


@pytest.mark.parametrize(
    "headers",
    [
        {"X_Forwarded_Email": "Әсел@news.example"},
        {"X_Forwarded_Email": NAME, "X_Forwarded_Groups": "Спорт,newsroom"},
    ],
    ids=["name", "group"],
)
async def test_header_that_is_not_ascii_signs_nobody_in_with_a_warning(
    headers: dict[str, str],
) -> None:
    with capture_logs() as logs:
        answer = await account(COMPANY, **headers)
    assert answer["status"] == 401
    assert [entry["event"] for entry in logs if entry["event"].startswith("proxy_")] == [
        "proxy_header_not_ascii"
    ]


async def test_header_that_is_not_ascii_is_not_replaced_by_that_of_the_client() -> None:
    sent = [
        ("X-Forwarded-Email", NAME),
        ("X-Forwarded-Groups", "Спорт"),
        ("X-Forwarded-Groups", "role:chief"),
    ]
    async with (
        browsing(**COMPANY) as browser,
        browser.http.get(f"{browser.url}/v1/session", headers=sent) as answer,
    ):
        assert answer.status == 401


async def test_header_of_the_client_that_is_not_ascii_is_ignored_from_other_peers() -> None:
    settings = COMPANY | {"ranking_trusted_proxies": "192.0.2.1"}
    async with browsing(**settings) as browser:
        await browser.sign_in(SPORT)
        known = (await browser.ask("GET", "/v1/session", X_Forwarded_Email="Әсел"))[1]
        assert known["name"] == "sam"


@pytest.mark.parametrize("repeated", ["X-Forwarded-Email", "X-Forwarded-Groups"])
async def test_header_of_the_client_besides_that_of_the_proxy_signs_nobody_in(
    repeated: str,
) -> None:
    sent = [("X-Forwarded-Email", NAME), ("X-Forwarded-Groups", "newsroom"), (repeated, "chief")]
    async with (
        browsing(**COMPANY) as browser,
        browser.http.get(f"{browser.url}/v1/session", headers=sent) as answer,
    ):
        assert answer.status == 401


async def test_only_the_configured_headers_are_read() -> None:
    for header in ("X_Forwarded_User", "X_Auth_Request_Email", "Remote_User"):
        assert (await account(COMPANY, **{header: NAME}))["status"] == 401
    off = {"ranking_trusted_proxies": "127.0.0.0/8"}
    assert (await account(off, X_Forwarded_Email=NAME))["status"] == 401


async def test_foreign_page_cannot_use_the_sign_in_of_the_proxy() -> None:
    async with browsing(**COMPANY) as browser:
        chief = {"X_Forwarded_Email": NAME, "X_Forwarded_Groups": "role:chief"}
        path = "/v1/articles/a/placement"
        status, problem, _ = await browser.ask("PUT", path, {}, **chief)
        assert (status, "cannot reach a collector" in problem["detail"]) == (403, True)
        status, problem, _ = await browser.ask(
            "PUT", path, {}, **chief, Sec_Fetch_Site="cross-site"
        )
        assert (status, "Only pages of this service" in problem["detail"]) == (403, True)


async def test_token_outranks_the_proxy_and_an_unknown_one_is_the_proxys_own() -> None:
    async with browsing(**COMPANY) as browser:
        chief = {"X_Forwarded_Email": NAME, "X_Forwarded_Groups": "role:chief"}
        for token, name in ((SPORT, "sam"), ("an.id.token", NAME)):
            bearer = {"Authorization": f"Bearer {token}"}
            assert (await browser.ask("GET", "/v1/session", **chief, **bearer))[1]["name"] == name
        await browser.sign_in(SPORT)
        assert (await browser.ask("GET", "/v1/session", **chief))[1]["name"] == "sam"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"ranking_proxy_user_header": "X-User"}, "networks it may come from"),
        ({**COMPANY, "ranking_trusted_proxies": ""}, "networks it may come from"),
        ({**COMPANY, "ranking_proxy_groups": {}}, "the roles"),
        ({**COMPANY, "ranking_proxy_groups": {"a": {"role": "cms"}}}, "role"),
        ({**COMPANY, "ranking_proxy_groups": {"a": {"role": "editor", "site": "b"}}}, "site"),
        ({"ranking_trusted_proxies": "everywhere"}, "is not a network"),
        ({"ranking_dashboard": "signed_in"}, "nobody could sign in"),
        ({"ranking_collector_url": "http://127.0.0.1:1"}, "MOSTREAD_RANKING_SESSION_SECRET"),
        ({"ranking_session_secret": "short"}, "too short"),
        ({"ranking_proxy_sign_in_url": "javascript:alert(1)"}, "pattern"),
    ],
    ids=[str(number) for number in range(10)],
)
def test_settings_that_would_let_nobody_or_anybody_in_are_invalid(
    settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        RankingSettings(**settings)
