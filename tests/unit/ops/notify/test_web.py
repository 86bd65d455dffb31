"""Messages to webhooks over real connections."""

import traceback
from collections.abc import AsyncIterator, Iterator

import aiohttp
import pytest
import pytest_asyncio

from mostread.errors import MostreadError
from mostread.ops.notify.targets import NotSent, Refused, Unconfirmed
from mostread.ops.notify.web import WebhookSender
from tests.support.receivers import Webhook, webhook
from tests.support.servers import free_ports
from tests.unit.ops.notify.examples import digest, message


@pytest.fixture
def receiver() -> Iterator[Webhook]:
    with webhook() as server:
        yield server


@pytest_asyncio.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True)) as session:
        yield session


async def test_webhook_receives_fields_and_words(
    receiver: Webhook, session: aiohttp.ClientSession
) -> None:
    sender = WebhookSender(session, 10, slack=False)
    await sender.send(receiver.url, message())
    await sender.send(receiver.url, digest())
    alerts, composed = receiver.bodies
    assert (alerts["type"], alerts["subscription"], alerts["site"]) == (
        "alerts",
        "City desk",
        "default",
    )
    assert alerts["subject"] == "[City] Rising: New metro line"
    assert alerts["text"].startswith("[City] Rising: New metro line\n\n")
    assert alerts["created_at"] == "2026-11-28T09:00:00Z"
    assert alerts["alerts"] == [
        {
            "kind": "rises",
            "story": {
                "article_id": "a",
                "title": "New metro line",
                "url": "https://news.example/a",
                "section": "City",
                "page": "https://mostread.example/articles/a?site=default",
            },
            "views": 1204,
            "window": "1h",
            "rank": 1,
            "previous_rank": 14,
            "times": 4.24,
            "top_share": None,
        }
    ]
    assert (composed["type"], composed["digest"]["day"]) == ("digest", "2026-11-27")
    assert receiver.headers[0]["Idempotency-Key"] == alerts["id"] == "0123456789abcdef"


async def test_slack_receives_its_own_format(
    receiver: Webhook, session: aiohttp.ClientSession
) -> None:
    await WebhookSender(session, 10, slack=True).send(receiver.url, message())
    assert receiver.bodies[0].keys() == {"text", "unfurl_links", "unfurl_media"}


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (429, NotSent),
        (500, NotSent),
        (503, NotSent),
        (302, Refused),
        (400, Refused),
        (404, Refused),
        (0, Unconfirmed),
    ],
)
async def test_answer_decides_whether_a_message_is_sent_again(
    receiver: Webhook,
    session: aiohttp.ClientSession,
    status: int,
    error: type[MostreadError],
) -> None:
    receiver.statuses = [status]
    receiver.answer_headers = {"Retry-After": "7", "Location": receiver.url}
    with pytest.raises(error) as raised:
        await WebhookSender(session, 10, slack=True).send(receiver.url, message())
    assert len(receiver.bodies) == 1
    assert "secret" not in str(raised.value)
    if isinstance(raised.value, NotSent):
        assert raised.value.retry_after == 7
    if status >= 400:
        assert str(raised.value) == f"the server responded {status}: no_service"


async def test_server_that_cannot_be_reached_has_received_nothing(
    session: aiohttp.ClientSession,
) -> None:
    sender = WebhookSender(session, 10, slack=True)
    with pytest.raises(NotSent, match="no connection"):
        await sender.send(f"http://127.0.0.1:{free_ports(1)[0]}/secret", message())
    with pytest.raises(NotSent, match="no connection"):
        await sender.send("http://host.invalid/secret", message())


async def test_server_that_does_not_answer_may_have_received_the_message(
    receiver: Webhook, session: aiohttp.ClientSession
) -> None:
    receiver.hold.clear()
    with pytest.raises(Unconfirmed, match="no answer"):
        await WebhookSender(session, 0.5, slack=True).send(receiver.url, message())
    assert len(receiver.bodies) == 1


@pytest.mark.parametrize(
    ("raw", "error"),
    [
        (b"garbage\r\n\r\n", Unconfirmed),
        (b"PATH: garbage\r\n\r\n", Unconfirmed),
        (b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n", Unconfirmed),
        (b"HTTP/1.1 200 OK\r\nX-Long: " + 9000 * b"x" + b"\r\n\r\n", Unconfirmed),
        (b"\x15\x03\x03\x00\x02\x02\x28", Unconfirmed),
        (b"HTTP/1.1 404 Not Found\r\n\r\nCannot POST PATH", Refused),
        (b"HTTP/1.1 500 Error\r\n\r\n{'url': 'https:PATH/'}", NotSent),
    ],
    ids=["garbage", "path", "length", "header", "tls", "refused", "failed"],
)
async def test_path_of_a_webhook_is_in_no_error_whatever_the_server_answers(
    receiver: Webhook, session: aiohttp.ClientSession, raw: bytes, error: type[MostreadError]
) -> None:
    receiver.raw = raw
    with pytest.raises(error) as raised:
        await WebhookSender(session, 10, slack=True).send(receiver.url, message())
    written = "".join(traceback.format_exception(raised.value))
    assert "secret" not in written
    assert len(str(raised.value)) > len("no answer: ")
