"""One HTTP request to the collector, and the outcome that its response implies."""

import http.client
import json
import logging
import re
import ssl
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

from mostread.client.backoff import parse_retry_after

# Must not match the bot rule: the collector drops events of bots.
USER_AGENT = "mostread-client"
EVENTS_PATH = "/v1/events"
# Others would fail with each request, or be ignored: credentials and parameters.
_URL = re.compile(r"(?i:https?)://[!\"$->A-~]+")
_IDLE_SECONDS = 15
"""An idle connection older than this may have been closed by a proxy."""
_MAX_RESPONSE_BYTES = 4 << 20
_RETRY_STATUSES = frozenset({408, 425, 429})
_PERMANENT_REDIRECTS = frozenset({301, 308})
_NOTHING_ACCEPTED = ("kafka-unavailable", "overloaded")
"""Problems that guarantee it; after any other 5xx the events may be in Kafka."""

log = logging.getLogger("mostread.client")


@dataclass(frozen=True)
class Settled:
    """The collector has processed the events."""

    accepted: int
    dropped: int
    rejected: list[str]
    """The reason for each rejected event."""


@dataclass(frozen=True)
class Retryable:
    """The attempt failed and may succeed later; `maybe_accepted` if the outcome is unknown."""

    error: str
    maybe_accepted: bool
    retry_after: float = 0.0


@dataclass(frozen=True)
class Fatal:
    """Sending the events again will not help; `maybe_accepted` as in Retryable."""

    error: str
    maybe_accepted: bool


Outcome = Settled | Retryable | Fatal


class Transport:
    """A persistent connection to the collector. For one thread."""

    def __init__(self, url: str, token: str | None, *, timeout: float) -> None:
        """Raises ValueError for an invalid URL or token."""
        parts = urlsplit(url)
        if not _URL.fullmatch(url) or not parts.hostname:
            raise ValueError(
                f"{url!r} is not the address of a collector; write it like "
                "https://collect.example.com, without credentials and parameters"
            )
        if token and not (token.isascii() and token.isprintable()):
            raise ValueError("the token is invalid; use printable ASCII characters only")
        self._path = parts.path.rstrip("/").removesuffix(EVENTS_PATH).rstrip("/") + EVENTS_PATH
        self._headers = {"Content-Type": "application/x-ndjson", "User-Agent": USER_AGENT}
        if token:
            self._headers["Authorization"] = f"Bearer {token}"
        self.url = f"{parts.scheme}://{parts.netloc}{self._path}"
        self._timeout = timeout
        self._connect_to(self.url)
        self._last_used = 0.0

    def _connect_to(self, url: str) -> None:
        """Use a connection to the host of `url` from now on."""
        parts = urlsplit(url)
        host = parts.hostname or ""
        self._connection: http.client.HTTPConnection = (
            http.client.HTTPConnection(host, parts.port, timeout=self._timeout)
            if parts.scheme == "http"
            else http.client.HTTPSConnection(
                host, parts.port, timeout=self._timeout, context=ssl.create_default_context()
            )
        )

    def send(self, body: bytes) -> Outcome:
        """Send events, one per line, and return the outcome. Raises nothing."""
        connection = self._connection
        if time.monotonic() - self._last_used > _IDLE_SECONDS:
            connection.close()
        reused = connection.sock is not None
        outcome = self._attempt(body)
        if reused and isinstance(outcome, Retryable) and connection.sock is None:
            # The server had closed the idle connection. A repetition is safe: ids are the same.
            outcome = self._attempt(body)
        self._last_used = time.monotonic()
        return outcome

    def close(self) -> None:
        self._connection.close()

    def _attempt(self, body: bytes) -> Outcome:
        connection = self._connection
        events = body.count(b"\n")
        sent = False
        try:
            if connection.sock is None:
                connection.connect()
            sent = True
            connection.request("POST", self._path, body, self._headers)
            response = connection.getresponse()
            content = response.read(_MAX_RESPONSE_BYTES)
            if not response.isclosed():
                connection.close()
            if 300 <= response.status < 400:
                return self._redirect(response, body)
            return parse_response(
                events, response.status, response.headers.get("Retry-After"), content
            )
        except (OSError, ValueError, http.client.HTTPException) as error:  # a Location of any kind
            connection.close()
            return Retryable(f"{type(error).__name__}: {error}", maybe_accepted=sent)

    def _redirect(self, response: http.client.HTTPResponse, body: bytes) -> Outcome:
        """Follow a redirect from HTTP to HTTPS for good; return the outcome of any other.

        A token goes to no other host. A temporary redirect is a maintenance page.
        """
        target = urljoin(self.url, response.headers.get("Location", ""))
        here, there = urlsplit(self.url), urlsplit(target)
        advice = f"{response.status} redirects to {target}; create the client with the URL there"
        if (here.scheme, there.scheme) == ("http", "https") and (here.hostname, here.path) == (
            there.hostname,
            there.path,
        ):
            log.warning("%s", advice)
            self._connection.close()
            self.url = target
            self._connect_to(target)
            return self._attempt(body)
        if response.status in _PERMANENT_REDIRECTS:
            return Fatal(advice, maybe_accepted=False)
        return Retryable(advice, maybe_accepted=False)


def parse_response(events: int, status: int, retry_after: str | None, content: bytes) -> Outcome:
    """Return the outcome for a request of `events` events."""
    try:
        value = json.loads(content)
    except ValueError:
        value = None
    document: dict[str, Any] = value if isinstance(value, dict) else {}
    settled = _settled(document) if status in (202, 400) else None
    if settled and settled.accepted + settled.dropped + len(settled.rejected) == events:
        return settled
    error = f"{status}: {content[:300].decode(errors='replace')}"
    # A 2xx that is not the collector's is a page of something in between.
    if status >= 500 or status < 300 or status in _RETRY_STATUSES:
        maybe = status not in _RETRY_STATUSES and not str(document.get("type")).endswith(
            _NOTHING_ACCEPTED
        )
        return Retryable(error, maybe_accepted=maybe, retry_after=parse_retry_after(retry_after))
    return Fatal(error, maybe_accepted=False)


def _settled(document: dict[str, Any]) -> Settled | None:
    """Return the collector's counts, or None if another server wrote the document."""
    try:
        rejected = [f"{item['reason']}: {item['detail']}" for item in document["rejected"]]
        return Settled(int(document.get("accepted", 0)), int(document.get("dropped", 0)), rejected)
    except (KeyError, TypeError, ValueError):
        return None
