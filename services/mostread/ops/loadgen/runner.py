"""Sending events as a careful client does: until they are acknowledged, with the same ids."""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import aiohttp
import msgspec

from mostread.core.events import Event
from mostread.errors import MostreadError

RESEND_SECONDS = 25 * 60
"""For how long an event may be sent again: ids are remembered for 30 minutes."""

_ENCODER = msgspec.json.Encoder()


class NotAcknowledged(MostreadError):
    """The collector never took the events; the message is its last answer."""


class Rejected(msgspec.Struct):
    """An event that the collector found invalid; `index` is its place in what was sent."""

    index: int
    reason: str
    detail: str


class Outcome(msgspec.Struct):
    """What the collector acknowledged of one request; `seconds` from first sending, retries too."""

    accepted: int
    dropped: int
    rejected: list[Rejected]
    attempts: int = 1
    seconds: float = 0.0


class _NothingValid(msgspec.Struct):
    rejected: list[Rejected] = []


class Sender:
    """Sends to the collector at `url`."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        url: str,
        *,
        resend_seconds: float = RESEND_SECONDS,
    ) -> None:
        self._session = session
        self._url = f"{url.rstrip('/')}/v1/events"
        self._resend_seconds = resend_seconds

    async def send(self, events: Sequence[Event]) -> Outcome:
        """Send at most 1,000 events, again and again while the collector cannot take them.

        Raises NotAcknowledged when it never did, or answered that it never will.
        """
        body = _ENCODER.encode_lines(events)
        start = time.monotonic()
        attempts = 0
        while True:
            attempts += 1
            outcome, said, wait = await self._try(body)
            elapsed = time.monotonic() - start
            if outcome is not None:
                outcome.attempts, outcome.seconds = attempts, elapsed
                return outcome
            if elapsed + wait > self._resend_seconds:
                raise NotAcknowledged(f"given up after {attempts} attempts: {said}")
            await asyncio.sleep(wait)

    async def _try(self, body: bytes) -> tuple[Outcome | None, str, float]:
        """Return the outcome, or what was said instead and how long to wait.

        Raises NotAcknowledged where sending again cannot help.
        """
        headers = {"Content-Type": "application/x-ndjson"}
        try:
            async with self._session.post(self._url, data=body, headers=headers) as answer:
                text = await answer.read()
                retry_after = answer.headers.get("Retry-After", "")
        except (aiohttp.ClientError, TimeoutError) as error:
            return None, repr(error), 1.0
        if answer.status == 202:
            return msgspec.json.decode(text, type=Outcome), "", 0
        said = f"{answer.status}: {text[:300].decode(errors='replace')}"
        if answer.status >= 500:
            return None, said, float(retry_after) if retry_after.isdecimal() else 1.0
        if answer.status == 400:
            rejected = msgspec.json.decode(text, type=_NothingValid).rejected
            if rejected:
                return Outcome(0, 0, rejected), said, 0
        raise NotAcknowledged(said)


@dataclass
class Summary:
    """Counts events, and the seconds until each request was acknowledged."""

    sent: int = 0
    accepted: int = 0
    dropped: int = 0
    by_type: Counter[str] = field(default_factory=Counter)
    rejected: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    retries: int = 0
    seconds: list[float] = field(default_factory=list)

    @property
    def never_acknowledged(self) -> int:
        return self.sent - self.accepted - self.dropped - self.rejected.total()

    def acknowledged(self, events: Sequence[Event], outcome: Outcome) -> None:
        self.accepted += outcome.accepted
        self.dropped += outcome.dropped
        self.retries += outcome.attempts - 1
        self.seconds.append(outcome.seconds)
        self.rejected.update(rejection.reason for rejection in outcome.rejected)
        bad = {rejection.index for rejection in outcome.rejected}
        self.by_type.update(e.type for index, e in enumerate(events) if index not in bad)

    def lines(self, elapsed: float) -> list[str]:
        """Return the summary for people; `elapsed` is the seconds it was sent in."""
        types = ", ".join(f"{kind} {self.by_type[kind]}" for kind in ("view", "comment", "like"))
        lines = [
            f"sent      {self.sent} events in {elapsed:.1f} s ({self.sent / elapsed:.0f}/s)",
            f"accepted  {self.accepted}, dropped {self.dropped} ({types})",
            f"rejected  {self.rejected.total()}" + _reasons(self.rejected),
            f"resent    {self.retries} requests",
            f"never acknowledged  {self.never_acknowledged}" + _reasons(self.errors),
        ]
        if self.seconds:
            at = sorted(self.seconds)
            points = [(p, at[min(len(at) - 1, int(len(at) * p / 100))]) for p in (50, 90, 99, 100)]
            said = ", ".join(f"p{p} {1000 * s:.1f} ms" for p, s in points)
            lines.append(f"answered  {said}")
        return lines


def _reasons(counted: Counter[str]) -> str:
    return "".join(f"\n    {count} {reason}" for reason, count in counted.most_common(5))
