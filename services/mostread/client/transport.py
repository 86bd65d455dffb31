"""One request to the collector, and what its answer, or that there is none, means."""

import http.client
import json
import ssl
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from mostread.client.backoff import retry_after

# What a list of bots must not know: the collector drops events of bots.
USER_AGENT = "mostread-client"
_IDLE_SECONDS = 15
"""After so long a proxy may have closed the connection."""
_LONGEST_ANSWER = 4 << 20
_AGAIN = frozenset({408, 425, 429})
_NOTHING_KEPT = ("kafka-unavailable", "overloaded")
"""The collector's problems that say so; every other 5xx may have come after the events."""


@dataclass(frozen=True)
class Settled:
    """The collector has judged the events."""

    accepted: int
    dropped: int
    rejected: list[str]
    """Why, for each that is."""


@dataclass(frozen=True)
class Again:
    """It can't be said yet, or not now; `maybe_kept` whether it may have succeeded."""

    said: str
    maybe_kept: bool
    retry_after: float = 0.0


@dataclass(frozen=True)
class Never:
    """Sending this again won't help; `maybe_kept` as in Again."""

    said: str
    maybe_kept: bool


Verdict = Settled | Again | Never


class Post:
    """A connection that is kept open between requests. For one thread."""

    def __init__(self, url: str, token: str | None, *, timeout: float) -> None:
        """Raises ValueError for what is no address, or no token."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or not url.isascii():
            raise ValueError(f"{url!r} is no address like https://collect.example.com")
        if token and not (token.isascii() and token.isprintable()):
            raise ValueError("a token is of printable ASCII")
        self._path = f"{parts.path.rstrip('/')}/v1/events"
        self._headers = {"Content-Type": "application/x-ndjson", "User-Agent": USER_AGENT}
        if token:
            self._headers["Authorization"] = f"Bearer {token}"
        if parts.scheme == "http":
            self._connection = http.client.HTTPConnection(
                parts.hostname, parts.port, timeout=timeout
            )
        else:
            self._connection = http.client.HTTPSConnection(
                parts.hostname, parts.port, timeout=timeout, context=ssl.create_default_context()
            )
        self._used = 0.0

    def send(self, body: bytes) -> Verdict:
        """Send events, one a line, and return what came of it; raises nothing."""
        connection = self._connection
        if time.monotonic() - self._used > _IDLE_SECONDS:
            connection.close()
        reused = connection.sock is not None
        verdict = self._try(body)
        if reused and isinstance(verdict, Again) and connection.sock is None:
            verdict = self._try(body)  # it was closed at the other end: the ids are the same
        self._used = time.monotonic()
        return verdict

    def close(self) -> None:
        self._connection.close()

    def _try(self, body: bytes) -> Verdict:
        connection = self._connection
        events = body.count(b"\n")
        sent = False
        try:
            if connection.sock is None:
                connection.connect()
            sent = True
            connection.request("POST", self._path, body, self._headers)
            answer = connection.getresponse()
            content = answer.read(_LONGEST_ANSWER)
            if not answer.isclosed():
                connection.close()
            return _verdict(events, answer.status, answer.headers.get("Retry-After"), content)
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            return Again(f"{type(error).__name__}: {error}", maybe_kept=sent)


def _verdict(events: int, status: int, again: str | None, content: bytes) -> Verdict:
    try:
        answer = json.loads(content)
    except ValueError:
        answer = None
    known: dict[str, Any] = answer if isinstance(answer, dict) else {}
    settled = _settled(known) if status in (202, 400) else None
    if settled and settled.accepted + settled.dropped + len(settled.rejected) == events:
        return settled
    said = f"{status}: {content[:300].decode(errors='replace')}"
    if status >= 500 or status in _AGAIN:
        kept = status >= 500 and not str(known.get("type")).endswith(_NOTHING_KEPT)
        return Again(said, maybe_kept=kept, retry_after=retry_after(again))
    return Never(said, maybe_kept=status < 300)


def _settled(answer: dict[str, Any]) -> Settled | None:
    """Return what an answer of the collector says; None where it is of somebody else."""
    try:
        rejected = [f"{each['reason']}: {each['detail']}" for each in answer["rejected"]]
        return Settled(int(answer.get("accepted", 0)), int(answer.get("dropped", 0)), rejected)
    except (KeyError, TypeError, ValueError):
        return None
