"""GET /v1/decisions: what is decided at a site now."""

from datetime import timedelta
from typing import Any

import pytest

from tests.support.ranking import EDITOR, NOW, Counted, Service, ago

HOUR = timedelta(hours=1)


async def decisions(service: Service, counted: Counted, query: str = "") -> list[dict[str, Any]]:
    answer = await service.get(f"/v1/decisions?site={counted.site}{query}", headers=EDITOR)
    assert answer.status == 200, await answer.text()
    body = await answer.json()
    assert body["site"] == counted.site
    items: list[dict[str, Any]] = body["items"]
    return items


async def test_decisions_in_force_are_listed_latest_first(
    service: Service, counted: Counted
) -> None:
    counted.article("cms", hidden=True, pinned=2)
    counted.article("overridden", hidden=True, pinned=2)
    counted.article("deleted", hidden=True, deleted=True)
    counted.article("plain")
    counted.decisions(
        {
            "timed": {
                "version": 9,
                "by": "Анна",
                "reason": "<b>court order",
                "embargo_until": NOW + HOUR,
                "expires_at": NOW + 2 * HOUR,
            },
            "overridden": {"version": 8, "hidden": False, "pinned": 0},
            "pin": {"version": 7, "pinned": 3, "pinned_sections": [""], "until": NOW + HOUR},
            "ended": {"version": 6, "pinned": 3, "approved": True, "until": NOW},
            "shown again": {"version": 4, "pinned": 4, "hidden": True, "until": NOW},
            "outlasting": {"version": 5, "hidden": True, "expires_at": NOW, "until": NOW},
            "over": {"version": 4, "embargo_until": NOW},
            "deleted": {"version": 3, "hidden": True},
            "approved": {"version": 2, "approved": True},
        }
    )
    items = await decisions(service, counted)
    assert {item["article_id"]: (item["kinds"], item["from_cms"]) for item in items} == {
        "timed": (["embargoed", "expiring"], []),
        "overridden": (["listed", "unpinned"], []),
        "pin": (["pinned"], []),
        "outlasting": (["expired"], []),
        "shown again": (["pinned"], []),
        "approved": (["approved"], []),
        "cms": (["hidden", "pinned"], ["hidden", "pinned"]),
    }
    assert [item["article_id"] for item in items][-2:] == ["approved", "cms"]
    assert items[0]["decision"] == {
        "id": "9",
        "by": "Анна",
        "reason": "<b>court order",
        "decided_at": "2026-11-23T14:03:05.000Z",
        "hidden": None,
        "pinned": None,
        "pinned_in": None,
        "embargo_until": "2026-11-23T15:03:05.000Z",
        "expires_at": "2026-11-23T16:03:05.000Z",
        "approved": None,
        "until": None,
    }
    assert (items[-1]["title"], items[-1]["rank"], items[-1]["decision"]) == (
        "Title of cms",
        2,
        None,
    )
    hidden = await decisions(service, counted, "&kind=hidden&kind=expired")
    assert [item["article_id"] for item in hidden] == ["outlasting", "cms"]
    assert [item["rank"] for item in await decisions(service, counted, "&kind=pinned")] == [3, 4, 2]
    matching = await decisions(service, counted, "&q=title+OF+c")
    assert [item["article_id"] for item in matching] == ["cms"]
    page = await decisions(service, counted, "&limit=2&offset=1")
    assert page == items[1:3]


@pytest.mark.parametrize(("headers", "status"), [({}, 401), (EDITOR, 200)])
async def test_decisions_require_an_editor(
    service: Service, counted: Counted, headers: dict[str, str], status: int
) -> None:
    counted.decision("a", hidden=True, decided_at=ago(hours=1))
    answer = await service.get(f"/v1/decisions?site={counted.site}", headers=headers)
    assert answer.status == status
    assert "Access-Control-Allow-Origin" not in answer.headers


async def test_decisions_reject_unknown_kind(service: Service) -> None:
    answer = await service.get("/v1/decisions?kind=deleted", headers=EDITOR)
    assert answer.status == 400
    assert (await answer.json())["parameter"] == "kind"
