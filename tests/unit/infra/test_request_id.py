"""Ids of requests: chosen by headers, and separate for requests that overlap."""

import asyncio
import contextvars
import re
from collections.abc import AsyncIterator

import orjson
import pytest
from aiohttp import ClientSession

from mostread.infra import request_id
from mostread.infra.http.application import Application
from mostread.infra.http.config import ServiceSettings
from mostread.infra.http.messages import Request, Response
from mostread.infra.logging import add_request_id
from tests.support.http import client_of

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.mark.parametrize(
    "traceparent",
    [f"00-{TRACE}-{SPAN}-01", f"00-{TRACE}-{SPAN}-00", f"cc-{TRACE}-{SPAN}-01-what-the-future"],
)
def test_valid_traceparent_gives_its_trace_id(traceparent: str) -> None:
    assert request_id.begin(traceparent, "sent") == request_id.current() == TRACE


@pytest.mark.parametrize(
    "traceparent",
    [
        None,
        "",
        TRACE,
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01-more",
        f"00-{TRACE}-{SPAN}",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE}-{SPAN}-01\n",
    ],
)
def test_invalid_traceparent_leaves_the_request_id(traceparent: str | None) -> None:
    assert request_id.begin(traceparent, "Root=1-67891233:a/b+c==") == "Root=1-67891233:a/b+c=="


@pytest.mark.parametrize("sent", [None, "", "a b", 'a"', "a\n", "<b>", "é", "a" * 129])
def test_invalid_request_id_is_replaced_by_a_random_one(sent: str | None) -> None:
    chosen = {request_id.begin(None, sent) for _ in range(100)}
    assert len(chosen) == 100
    assert all(re.fullmatch("[0-9a-f]{32}", each) for each in chosen)


@pytest.fixture
async def client() -> AsyncIterator[ClientSession]:
    """A client of a service whose `/meet` answers a log line once two requests are there."""
    here = asyncio.Barrier(2)

    async def meet(_: Request) -> Response:
        await here.wait()
        return Response.json(orjson.dumps(add_request_id(None, "", {"event": "met"})))

    app = Application(ServiceSettings())
    app.add("GET", "/meet", meet)
    async with client_of(app) as client:
        yield client


async def test_overlapping_requests_log_and_answer_their_own_id(client: ClientSession) -> None:
    async def ask(sent: str) -> tuple[str, object]:
        async with client.get("/meet", headers={"X-Request-Id": sent}) as response:
            return response.headers["X-Request-Id"], await response.json()

    answers = await asyncio.gather(ask("one"), ask("two"))
    assert dict(answers) == {
        "one": {"event": "met", "request_id": "one"},
        "two": {"event": "met", "request_id": "two"},
    }


def test_line_outside_of_requests_has_no_request_id() -> None:
    assert contextvars.Context().run(add_request_id, None, "", {"event": "a"}) == {"event": "a"}


async def test_problem_of_an_unknown_path_has_the_id_of_its_header(client: ClientSession) -> None:
    async with client.get("/other") as response:
        assert response.status == 404
        assert (await response.json())["request_id"] == response.headers["X-Request-Id"]
