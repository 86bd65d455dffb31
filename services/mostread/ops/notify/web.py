"""Send messages to webhooks.

Anyone who knows the path of a webhook may post to it, so errors, which are logged, never contain
it: neither those of aiohttp, which contain the URL, nor answers in which a server repeats it.
"""

import asyncio
import re
from urllib.parse import unquote, urlsplit

import aiohttp
import msgspec

from mostread.client.backoff import parse_retry_after
from mostread.ops.notify.messages import EditorMessage
from mostread.ops.notify.slack import slack_document
from mostread.ops.notify.targets import NotSent, Refused, Unconfirmed
from mostread.ops.notify.wording import plain, word

_TEMPORARY = (408, 425, 429)
_ANSWER_BYTES = 300
_SHORTEST_SECRET = 4


class WebhookSender:
    """Posts messages as JSON, in the format of Slack or in mostread's own.

    The session must not use a connection twice: if one that was idle ends during a request, nobody
    knows whether the server read it.
    """

    def __init__(self, session: aiohttp.ClientSession, seconds: float, *, slack: bool) -> None:
        self._session = session
        self._seconds = seconds
        self._slack = slack

    async def send(self, address: str, message: EditorMessage) -> None:
        """Post a message to a URL. Raises NotSent, Refused and Unconfirmed."""
        document = slack_document(word(message)) if self._slack else webhook_document(message)
        headers = {
            "Content-Type": "application/json",
            # The same when the message is sent again.
            "Idempotency-Key": message.id,
            "User-Agent": "mostread-notify",
        }
        try:
            async with self._session.post(
                address,
                data=msgspec.json.encode(document),
                headers=headers,
                timeout=aiohttp.ClientTimeout(total=self._seconds, connect=self._seconds / 2),
                allow_redirects=False,
            ) as response:
                await _judge(response, address)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise NotSent(f"no connection: {_reason(error, address)}") from None
        except aiohttp.InvalidURL:
            raise Refused("the URL is invalid; correct it in the file of subscriptions") from None
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Unconfirmed(f"no answer: {_reason(error, address)}") from None


def webhook_document(message: EditorMessage) -> dict[str, object]:
    """Return the JSON of a message: its fields, and the same in words."""
    wording = word(message)
    fields: dict[str, object] = msgspec.to_builtins(message)
    kind = "alerts" if message.digest is None else "digest"
    return {"type": kind, "subject": wording.subject, "text": plain(wording), **fields}


async def _judge(response: aiohttp.ClientResponse, address: str) -> None:
    if 200 <= response.status < 300:
        return
    try:
        async with asyncio.timeout(1):
            answer = (await response.content.read(_ANSWER_BYTES)).decode(errors="replace")
    except (aiohttp.ClientError, TimeoutError):
        answer = ""
    answer = _without_path(answer, address)
    detail = f"the server responded {response.status}" + (f": {answer}" if answer else "")
    if response.status >= 500 or response.status in _TEMPORARY:
        raise NotSent(detail, parse_retry_after(response.headers.get("Retry-After")))
    raise Refused(detail)


def _reason(error: Exception, address: str) -> str:
    """Return what went wrong, or the type of the error if its text contains the path."""
    if isinstance(error, aiohttp.ClientConnectorError):
        text = str(error.os_error)
    elif isinstance(error, aiohttp.ClientResponseError):
        text = error.message  # the server's bytes
    else:
        text = str(error)
    return _without_path(text, address) or type(error).__name__


def _without_path(text: str, address: str) -> str:
    """Return a text, empty if it contains a part of the path of a URL, its query or password."""
    url = urlsplit(address)
    secret = unquote(" ".join((url.path, url.query, url.username or "", url.password or "")))
    parts = (part for part in re.split("[^a-z0-9]+", secret.lower()))
    plain = text.lower()
    return "" if any(len(part) >= _SHORTEST_SECRET and part in plain for part in parts) else text
