"""Editors' decisions over ClickHouse: in lists, for an article, and in its log."""

from collections.abc import Mapping
from datetime import timedelta
from itertools import count, product
from pathlib import Path
from typing import Any

import pytest

from mostread.infra.auth import token_file
from mostread.infra.auth.tokens import parse_tokens
from mostread.ranking.app import ranking_app
from mostread.ranking.config import RankingSettings
from tests.support.http import client_of, every
from tests.support.ranking import EDITOR, EDITORS, NOW, Counted, Service, Site, ago

HOUR = timedelta(hours=1)


async def article(service: Service, counted: Counted, article_id: str) -> dict[str, Any]:
    address = f"/v1/articles/{article_id}?site={counted.site}"
    answer = await service.get(address, headers=EDITOR)
    assert answer.status == 200
    body: dict[str, Any] = await answer.json()
    return body


async def log(service: Service, counted: Counted, article_id: str, more: str = "") -> Any:
    address = f"/v1/articles/{article_id}/placements?site={counted.site}{more}"
    answer = await service.get(address, headers=EDITOR)
    assert answer.status == 200
    return await answer.json()


async def test_lists_and_articles_agree_on_every_decision(
    service: Service, site: Site, counted: Counted
) -> None:
    """Every combination of CMS metadata and decision."""
    by_cms = [
        None,
        {},
        {"hidden": True},
        {"pinned": 1},
        {"pinned": 1, "hidden": True},
        {"deleted": True},
        {"published_at": ago(days=-1)},
    ]
    decisions: list[dict[str, Any] | None] = [
        None,
        {},
        {"hidden": True},
        {"hidden": False},
        {"pinned": 0},
        {"pinned": 2},
        {"pinned": 2, "until": NOW},
        {"hidden": True, "until": NOW + HOUR},
        {"hidden": True, "pinned": 2, "until": NOW},
        {"embargo_until": NOW},
        {"embargo_until": NOW + HOUR},
        {"pinned": 2, "embargo_until": NOW + HOUR, "until": NOW},
        {"hidden": False, "expires_at": NOW},
        {"expires_at": NOW + HOUR},
    ]
    cases = dict(enumerate(product(by_cms, decisions)))
    for number, (cms, _) in cases.items():
        counted.event(str(number), ago(minutes=3), views=1)
        if cms is not None:
            counted.article(str(number), **cms)
    counted.write()
    decided_about = {str(n): decided for n, (_, decided) in cases.items() if decided is not None}
    # An older decision about the same article has no effect, even if it is written later.
    counted.decisions({n: {"version": 2, **decided} for n, decided in decided_about.items()})
    counted.decisions({n: {"hidden": True, "pinned": 7} for n in decided_about})
    listed = {item["article_id"]: item for item in (await site.most_read(limit=100))["items"]}
    for number, case in cases.items():
        details = await article(service, counted, str(number))
        assert (str(number) in listed) is (details["withheld"] is None), case
        if str(number) in listed:
            assert listed[str(number)]["pinned"] == details["pinned"], case
    hidden = [n for n, (cms, decided) in cases.items() if (cms, decided) == ({"hidden": True}, {})]
    assert not {str(n) for n in hidden} & listed.keys()
    assert 20 < len(listed) < len(cases) - 20


async def test_article_without_metadata_and_views_can_be_pinned(
    service: Service, site: Site, counted: Counted
) -> None:
    for article_id, views in (("a", 9), ("b", 5)):
        counted.event(article_id, ago(minutes=3), views=views)
    counted.write()
    counted.decision("unknown", pinned=2, until=NOW + HOUR)
    items = (await site.most_read())["items"]
    assert [(i["rank"], i["article_id"], i["pinned"]) for i in items] == [
        (1, "a", None),
        (2, "unknown", 2),
        (3, "b", None),
    ]
    assert (await article(service, counted, "unknown"))["placement"] == {
        "decided_at": "2026-11-23T14:03:05.000Z",
        "hidden": None,
        "pinned": 2,
        "pinned_in": None,
        "embargo_until": None,
        "expires_at": None,
        "approved": None,
        "until": "2026-11-23T15:03:05.000Z",
    }


async def test_pin_holds_in_lists_it_names(site: Site, counted: Counted) -> None:
    for number, article_id in enumerate("abcd"):
        counted.event(article_id, ago(minutes=3, days=number % 2), views=9 - number)
        section = "Culture" if article_id in "bd" else "Sport"
        counted.article(article_id, section=section, language="kk-Cyrl")
    counted.write()

    limits = count(10)

    async def pinned(parameters: Mapping[str, str | int | list[str]]) -> list[str]:
        # Another limit each time, as lists are cached for a second.
        return (await site.ids(**parameters, limit=next(limits)))[:1]

    counted.decision("d", pinned=1)
    windows = ("1h", "6h", "24h", "7d", "30d", "all", "today", "week")
    everywhere: list[Mapping[str, str | int | list[str]]] = [
        *({"window": name} for name in windows),
        {"section": "Culture"},
        {"section": ["Culture", "Sport"], "language": "kk"},
        {"by": "likes"},
        {"by": "score", "half_life": "6h"},
    ]
    nowhere: list[Mapping[str, str | int | list[str]]] = [
        {"window": "yesterday"},
        {"by": "trending"},
        {"pins": 0},
    ]
    for parameters in everywhere:
        assert await pinned(parameters) == ["d"], parameters
    for parameters in nowhere:
        assert await pinned(parameters) != ["d"], parameters
    assert [item["pinned"] for item in (await site.most_read(pins=0))["items"]] == [None, None]

    named = {"pinned_sections": ["", "Culture"], "pinned_windows": ["24h", "7d"]}
    counted.decision("d", version=2, pinned=1, **named)
    everywhere = [{}, {"window": "7d"}, {"section": "Culture"}, {"language": "kk"}]
    nowhere = [{"window": "1h"}, {"section": ["Culture", "Sport"]}, {"section": "Sport"}]
    for parameters in everywhere:
        assert await pinned(parameters) == ["d"], parameters
    for parameters in nowhere:
        assert await pinned(parameters) != ["d"], parameters

    counted.decision("d", version=3, pinned=1, pinned_languages=["KK"])
    assert await pinned({"language": "kk"}) == ["d"]
    nowhere = [{}, {"language": ["kk", "ru"]}, {"language": "kk-Cyrl"}]
    for parameters in nowhere:
        assert await pinned(parameters) != ["d"], parameters


async def test_latest_of_two_pins_to_one_rank_gets_it(site: Site, counted: Counted) -> None:
    for number, article_id in enumerate("abc"):
        counted.event(article_id, ago(minutes=3), views=9 - number)
    counted.write()
    counted.article("a", pinned=1)
    counted.decision("b", version=7, pinned=1)
    counted.decision("c", version=6, pinned=1)
    items = (await site.most_read())["items"]
    assert [(i["rank"], i["article_id"], i["pinned"]) for i in items] == [
        (1, "b", 1),
        (2, "c", 1),
        (3, "a", 1),
    ]


async def test_expired_decision_is_not_in_force(service: Service, counted: Counted) -> None:
    counted.article("a", pinned=3)
    counted.decision("a", hidden=True, until=NOW)
    details = await article(service, counted, "a")
    assert (details["withheld"], details["pinned"], details["placement"]) == (None, 3, None)


async def test_decision_applies_to_one_site(site: Site, counted: Counted) -> None:
    counted.event("a", ago(minutes=3), views=1)
    counted.write()
    Counted(counted.client, "another-site").decision("a", hidden=True)
    assert await site.ids() == ["a"]


async def test_log_contains_author_decision_and_undo(service: Service, counted: Counted) -> None:
    reason = "<script>alert(1)</script> \u202e'; --"
    counted.decision("a/b", version=2**62, hidden=True, reason=reason, decided_at=ago(hours=2))
    pinned = {"pinned": 1, "embargo_until": ago(hours=1), "undoes": 2**62}
    pinned["pinned_windows"] = ["1h"]
    for _ in range(2):  # a record can be read twice
        counted.decision("a/b", version=2**62 + 1, by="Анна", decided_at=ago(hours=1), **pinned)
    counted.decision("a/b", version=2**62 + 2, by="")
    nothing = dict.fromkeys(
        (
            "hidden",
            "pinned",
            "pinned_in",
            "embargo_until",
            "expires_at",
            "approved",
            "until",
            "undoes",
        )
    )
    ids = [str(2**62 + n) for n in range(3)]
    lifted = {
        **nothing,
        "id": ids[2],
        "decided_at": "2026-11-23T14:03:05.000Z",
        "by": None,
        "reason": None,
        "undo": {
            "undoes": ids[2],
            "pinned": 1,
            "pinned_in": {"windows": ["1h"]},
            "embargo_until": int(ago(hours=1).timestamp() * 1000),
        },
    }
    anna = {
        **nothing,
        "id": ids[1],
        "decided_at": "2026-11-23T13:03:05.000Z",
        "by": "Анна",
        "reason": None,
        "pinned": 1,
        "pinned_in": {"windows": ["1h"]},
        "embargo_until": "2026-11-23T13:03:05.000Z",
        "undoes": ids[0],
        "undo": {"undoes": ids[1], "hidden": True, "reason": reason},
    }
    first = {
        **nothing,
        "id": ids[0],
        "decided_at": "2026-11-23T12:03:05.000Z",
        "by": "editor",
        "reason": reason,
        "hidden": True,
        "undo": {"undoes": ids[0]},
    }
    envelope: dict[str, Any] = {
        "site": counted.site,
        "article_id": "a/b",
        "next": None,
        "exclusions": [],
    }
    assert await log(service, counted, "a%2Fb") == {**envelope, "items": [lifted, anna, first]}
    # Pages contain the same items, including their `undo`.
    page = await log(service, counted, "a%2Fb", "&limit=2")
    assert page == {**envelope, "items": [lifted, anna], "next": ids[1]}
    page = await log(service, counted, "a%2Fb", f"&limit=2&before={page['next']}")
    assert page == {**envelope, "items": [first]}


async def test_log_is_private(service: Service, counted: Counted) -> None:
    address = f"/v1/articles/nobody/placements?site={counted.site}"
    answer = await service.get(address, headers=EDITOR)
    assert (await answer.json())["items"] == []
    assert answer.headers["Cache-Control"] == "private, no-cache"
    assert "Access-Control-Allow-Origin" not in answer.headers
    same = {**EDITOR, "If-None-Match": answer.headers["ETag"]}
    again = await service.get(answer.url.path_qs, headers=same)
    assert again.status == 304


@pytest.mark.parametrize(
    ("token", "status", "detail"),
    [
        (None, 401, "Sign in as an editor"),
        ("another", 401, "token is unknown"),
        ("the cms", 403, "is not an editor of the site"),
    ],
)
async def test_log_requires_editor_token(
    service: Service, counted: Counted, token: str | None, status: int, detail: str
) -> None:
    counted.decision("a", hidden=True, reason="Not for everybody")
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    answer = await service.get(f"/v1/articles/a/placements?site={counted.site}", headers=headers)
    text = await answer.text()
    assert (answer.status, detail in text, "everybody" in text) == (status, True, False)


async def test_log_is_disabled_without_tokens(
    ranking_settings: RankingSettings,
) -> None:
    settings = ranking_settings.model_copy(update={"ranking_tokens": ""})
    async with ranking_app(settings) as app, client_of(app) as service:
        answer = await service.get("/v1/articles/a/placements", headers=EDITOR)
        assert answer.status == 403
        problem = await answer.json()
    assert problem["type"] == "urn:mostread:problem:editor-access-disabled"
    assert "MOSTREAD_RANKING_TOKENS_FILE" in problem["detail"]


async def test_editor_added_to_token_file_can_read_log(
    ranking_settings: RankingSettings, tmp_path: Path
) -> None:
    file = tmp_path / "tokens"
    changed = {"ranking_tokens": "", "ranking_tokens_file": str(file)}
    settings = ranking_settings.model_copy(update=changed)
    async with ranking_app(settings) as app, client_of(app) as service:
        assert (await service.get("/v1/articles/a/placements", headers=EDITOR)).status == 401
        token_file.update(file, lambda _: parse_tokens(EDITORS))
        async for _ in every(0.05):
            answer = await service.get("/v1/articles/a/placements", headers=EDITOR)
            if answer.status == 200:
                break


async def test_log_rejects_invalid_parameters(service: Service) -> None:
    for parameters in ("before=x", "before=%C2%B2", f"before={10**19}", "limit=0", "offset=1"):
        answer = await service.get(f"/v1/articles/a/placements?{parameters}", headers=EDITOR)
        assert answer.status == 400
        assert (await answer.json())["parameter"] == parameters.partition("=")[0]


async def test_log_has_exclusions_without_names_of_visitors(
    service: Service, counted: Counted
) -> None:
    at = int(NOW.timestamp() * 1000)
    counted.exclusion("a", "add", applied_at=at, visitor="the visitor")
    counted.exclusion("", "add", recorded_at=at + 1000)
    counted.exclusion("b", "add")
    body = await log(service, counted, "a")
    assert "the visitor" not in str(body)
    period = {"from": "2026-11-23T13:03:00.000Z", "to": "2026-11-23T13:13:00.000Z"}
    both = {"action": "add", **period, "by": "ops", "reason": "an attack"}
    assert body["items"] == []
    assert body["exclusions"] == [
        {
            **both,
            "id": f"{counted.site} ",
            "whole_site": True,
            "one_visitor": False,
            "recorded_at": "2026-11-23T14:03:06.000Z",
            "applied_at": None,
        },
        {
            **both,
            "id": f"{counted.site} a",
            "whole_site": False,
            "one_visitor": True,
            "recorded_at": "2026-11-23T14:03:05.000Z",
            "applied_at": "2026-11-23T14:03:05.000Z",
        },
    ]
    assert (await service.get(f"/v1/articles/a/placements?site={counted.site}")).status == 401
