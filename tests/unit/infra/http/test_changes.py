"""The log of changes."""

from collections.abc import AsyncIterator

import pytest
from aiohttp import ClientSession
from structlog.testing import capture_logs

from mostread.errors import Forbidden, InvalidBody, KafkaUnavailable, MostreadError
from mostread.infra.http.application import Application
from mostread.infra.http.config import ServiceSettings
from mostread.infra.http.messages import Request, RequestedChange, Response
from tests.support.http import client_of

LINE = {
    "event": "change",
    "log_level": "info",
    "by": "our-cms",
    "role": "cms",
    "signed_in_by": "token",
    "site": "news",
    "articles": ["a/b"],
    "outcome": "done",
    "status": 200,
}


@pytest.fixture
async def client() -> AsyncIterator[ClientSession]:
    """A client of a service that does as the query says."""
    errors: dict[str, MostreadError] = {
        "site": Forbidden("The token is for another site."),
        "body": InvalidBody("It is not JSON."),
        "kafka": KafkaUnavailable("No broker answers."),
    }

    async def change(request: Request) -> Response:
        if "unknown" in request.query:
            return Response()
        request.change = RequestedChange("our-cms", "cms", "token")
        for number in range(int(request.query.get("more", 0))):
            request.change.add("news" if number else "sport", str(number))
        if error := errors.get(request.query.get("fails", "")):
            raise error
        if "crashes" in request.query:
            raise ZeroDivisionError
        return Response()

    app = Application(ServiceSettings())
    app.add("PUT", "/articles", change)
    app.add("PUT", "/articles/{article_id}", change)
    async with client_of(app) as client:
        yield client


async def lines(client: ClientSession, target: str) -> list[dict[str, object]]:
    with capture_logs() as logs:
        await client.put(target)
    return [dict(line) for line in logs if line["event"] == "change"]


async def test_change_is_logged_with_who_what_and_outcome(client: ClientSession) -> None:
    by_path = await lines(client, "/articles/a%2Fb?site=news")
    assert by_path == [{**LINE, "action": "PUT /articles/{article_id}", "query": "site=news"}]
    assert await lines(client, "/articles?site=news&id=a/b") == [
        {**LINE, "action": "PUT /articles", "query": "site=news&id=a/b"}
    ]


@pytest.mark.parametrize(
    ("query", "outcome", "status"),
    [
        ("fails=site", "refused", 403),
        ("fails=body", "failed", 400),
        ("fails=kafka", "failed", 503),
        ("crashes=", "failed", 500),
    ],
)
async def test_change_that_is_refused_or_fails_is_logged_as_such(
    client: ClientSession, query: str, outcome: str, status: int
) -> None:
    [line] = await lines(client, f"/articles/a?{query}")
    assert (line["outcome"], line["status"], line["site"]) == (outcome, status, "")


async def test_many_articles_are_logged_by_site_at_most_fifty_in_a_line(
    client: ClientSession,
) -> None:
    logged = await lines(client, "/articles?more=102")
    assert [(line["site"], len(line["articles"])) for line in logged] == [  # type: ignore[arg-type]
        ("sport", 1),
        ("news", 50),
        ("news", 50),
        ("news", 1),
    ]


async def test_request_of_an_unknown_client_is_not_logged(client: ClientSession) -> None:
    assert await lines(client, "/articles?unknown") == []
