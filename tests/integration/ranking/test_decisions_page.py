"""The decision log as a fragment of an article page."""

from tests.support.ranking import EDITOR, NOW, Counted, Service, ago

HOSTILE = "<script>alert(1)</script>\u202e"


async def test_decision_log_uses_language_and_zone_of_reader(
    service: Service, counted: Counted
) -> None:
    counted.decision("a/b", version=1, hidden=False, reason=HOSTILE, decided_at=ago(hours=2))
    counted.decision("a/b", version=2, by="", decided_at=ago(hours=1))
    more = {"embargo_until": ago(hours=3), "expires_at": NOW, "until": NOW, "undoes": 1}
    counted.decision("a/b", version=3, by="Анна", pinned=0, **more)
    address = f"/articles/a%2Fb/decisions?site={counted.site}&lang=ru&tz=Asia/Almaty"
    answer = await service.get(address, headers=EDITOR)
    assert answer.status == 200
    assert answer.headers["Cache-Control"] == "private, no-store"
    text = await answer.text()
    at = {n: f"23 ноября 2026, {n}:03:05 (Asia/Almaty)" for n in (16, 17, 18, 19)}
    assert (
        f"не закреплено, что бы ни говорила CMS, эмбарго до {at[16]}, "
        f"в списках до {at[19]}, до {at[19]}, отменяет решение от {at[17]}"
    ) in text
    assert "удаление без имени" in text
    assert "оставлено на решение CMS" in text
    assert "показывать, что бы ни говорила CMS" in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert "<script" not in text
    # Without a collector the page cannot undo decisions.
    assert "<button" not in text


async def test_decision_log_without_decisions_reports_it(
    service: Service, counted: Counted
) -> None:
    answer = await service.get(f"/articles/a/decisions?site={counted.site}", headers=EDITOR)
    assert "No decisions about this article." in await answer.text()


async def test_decision_log_requires_editor_token(service: Service, counted: Counted) -> None:
    counted.decision("a", hidden=True, reason="Not for everybody")
    answer = await service.get(f"/articles/a/decisions?site={counted.site}")
    assert answer.status == 401
    assert "everybody" not in await answer.text()
    assert "everybody" not in await (await service.get(f"/articles/a?site={counted.site}")).text()


async def test_decision_log_rejects_invalid_parameters(service: Service) -> None:
    assert (await service.get("/articles/a/decisions?limit=1", headers=EDITOR)).status == 400
    assert (await service.get("/articles/%00/decisions", headers=EDITOR)).status == 400


async def test_decision_log_shows_exclusions_of_article_and_site(
    service: Service, counted: Counted
) -> None:
    at = int(ago(hours=3).timestamp() * 1000)
    counted.exclusion("a", "add", recorded_at=at, applied_at=at, reason=HOSTILE, visitor="<v>")
    counted.exclusion("", "add", recorded_at=at + 1)
    counted.exclusion("a", "remove", recorded_at=at + 2, by="Анна")
    counted.exclusion("b", "add", by="Борис")
    counted.decision("a", hidden=True, decided_at=ago(hours=4))
    address = f"/articles/a/decisions?site={counted.site}&tz=UTC"
    text = await (await service.get(address, headers=EDITOR)).text()
    period = "from 23 November, 13:03 to 23 November, 13:13"
    events = f"views, comments and likes {period}"
    again = text.index(f"{events} counted again, in effect from the next recount on")
    site = text.index(f"{events} not counted, on the whole site, in effect from the next")
    added = text.index(f"{events} not counted, only those of one visitor</p>")
    assert again < site < added < text.index("hidden")
    assert "&lt;script&gt;" in text
    assert "&lt;v&gt;" not in text
    assert "Борис" not in text
