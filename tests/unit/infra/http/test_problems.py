"""The table of problems, and the responses that an application makes of exceptions."""

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable

import orjson
import pytest
from aiohttp import ClientResponse

from mostread import errors
from mostread.errors import MostreadError
from mostread.infra.http.application import Application
from mostread.infra.http.config import ServiceSettings
from mostread.infra.http.messages import Request, Response
from mostread.infra.http.problems import PROBLEMS, problem_type
from tests.support.http import client_of

Answer = Callable[[Exception], Awaitable[ClientResponse]]


@pytest.fixture
async def answer() -> AsyncIterator[Answer]:
    """A function that returns the response to a request whose handler raises an exception."""
    raised: list[Exception] = []

    async def handler(_: Request) -> Response:
        raise raised.pop()

    app = Application(ServiceSettings())
    app.add("GET", "/", handler)
    async with client_of(app) as client:

        async def get(error: Exception) -> ClientResponse:
            raised.append(error)
            return await client.get("/")

        yield get


async def test_problem_carries_type_title_status_and_detail(answer: Answer) -> None:
    response = await answer(errors.UnknownArticle("There is no article 'a'."))

    assert response.status == 404
    assert response.headers["Content-Type"] == "application/problem+json"
    assert await response.json() == {
        "type": "urn:mostread:problem:unknown-article",
        "title": "Unknown article",
        "status": 404,
        "detail": "There is no article 'a'.",
        "request_id": response.headers["X-Request-Id"],
    }


async def test_bad_parameter_names_parameter_and_allowed_values(answer: Answer) -> None:
    response = await answer(errors.BadParameter("window", "window cannot be '2h'", "1h or 24h"))

    body = await response.json()
    assert response.status == 400
    assert body["detail"] == "window cannot be '2h'. Allowed: 1h or 24h."
    assert body["parameter"] == "window"
    assert body["allowed"] == "1h or 24h"


@pytest.mark.parametrize(
    ("error", "slug", "retry_after"),
    [
        (errors.KafkaUnavailable("Kafka is unavailable."), "kafka-unavailable", "2"),
        (errors.OutcomeUnknown("Kafka did not acknowledge."), "outcome-unknown", "2"),
        (errors.Overloaded("The queue is full."), "overloaded", "1"),
        (errors.TooManyStreams("5 clients"), "overloaded", "2"),
        (errors.ClickHouseUnavailable("no answer"), "counters-unavailable", "2"),
    ],
)
async def test_unavailable_dependency_is_503_with_retry_after(
    answer: Answer, error: MostreadError, slug: str, retry_after: str
) -> None:
    response = await answer(error)

    body = await response.json()
    assert response.status == 503
    assert response.headers["Retry-After"] == retry_after
    assert body["type"] == f"urn:mostread:problem:{slug}"
    assert str(error) in body["detail"]


@pytest.mark.parametrize(
    ("error", "challenge"),
    [
        (errors.Unauthorized("Send a token."), 'Bearer realm="mostread"'),
        (
            errors.Unauthorized("Unknown.", invalid_token=True),
            'Bearer realm="mostread", error="invalid_token"',
        ),
    ],
)
async def test_unauthorized_has_a_bearer_challenge(
    answer: Answer, error: errors.Unauthorized, challenge: str
) -> None:
    response = await answer(error)

    assert response.status == 401
    assert response.headers["WWW-Authenticate"] == challenge


async def test_subclass_without_row_takes_the_row_of_its_base(answer: Answer) -> None:
    response = await answer(errors.TooManyEvents(501, 500))

    assert response.status == 413
    assert (await response.json())["detail"] == (
        "501 events in one request; the maximum is 500. Send it in several requests."
    )


async def test_request_timeout_closes_the_connection(answer: Answer) -> None:
    response = await answer(errors.RequestTimeout("The body took too long."))

    assert response.status == 408
    assert response.headers["Connection"] == "close"


async def test_message_with_braces_is_not_a_template(answer: Answer) -> None:
    response = await answer(errors.PayloadTooLarge("The field {error} is too long."))

    detail = (await response.json())["detail"]
    assert detail == "The field {error} is too long. Send it in several requests."


async def test_invalid_article_detail_is_cut_at_the_maximum(answer: Answer) -> None:
    response = await answer(errors.InvalidArticle("schema", "x" * 1000))

    body = await response.json()
    assert body["reason"] == "schema"
    assert body["detail"] == "x" * errors.MAX_DETAIL


@pytest.mark.parametrize("error", [ZeroDivisionError("secret"), errors.LogInconsistent("secret")])
async def test_unexpected_exception_is_500_without_its_message(
    answer: Answer, error: Exception
) -> None:
    response = await answer(error)

    assert response.status == 500
    assert "secret" not in await response.text()
    assert (await response.json())["type"] == "urn:mostread:problem:internal-error"


async def test_unknown_path_and_wrong_method_are_problems() -> None:
    async def handler(_: Request) -> Response:
        return Response()

    app = Application(ServiceSettings())
    app.add("GET", "/", handler)
    async with client_of(app) as client:
        missing = await client.get("/nothing")
        wrong = await client.post("/")

        assert (await missing.json())["type"] == "urn:mostread:problem:not-found"
        assert wrong.status == 405
        assert wrong.headers["Allow"] == "GET, HEAD"


def test_table_covers_every_exception_that_blames_the_request() -> None:
    classes = [
        cls
        for _, cls in inspect.getmembers(errors, inspect.isclass)
        if issubclass(cls, errors.InvalidRequest) and cls is not errors.InvalidRequest
    ]

    assert classes
    for cls in classes:
        kind = problem_type(cls.__new__(cls))
        assert kind is not None, cls
        assert 400 <= kind.status < 500


def test_table_details_are_json_and_name_no_other_field() -> None:
    for kind in PROBLEMS.values():
        assert orjson.dumps(kind.detail.format(error="x"))
        assert kind.waits <= (kind.retry_after is not None)
