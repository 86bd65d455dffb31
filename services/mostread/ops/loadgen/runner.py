"""HTTP delivery of simulated events, with retries under the same ids."""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import aiohttp
import msgspec

from mostread.core.events import Event
from mostread.core.retention import RESEND_LIMIT_SECONDS
from mostread.errors import MostreadError

_ENCODER = msgspec.json.Encoder()


class NotAcknowledged(MostreadError):
    """The collector never accepted the events; the message is its last response."""


class RejectedEvent(msgspec.Struct):
    """An event that the collector rejected; `index` is its position in the request."""

    index: int
    reason: str
    detail: str


class SendResult(msgspec.Struct):
    """The acknowledgement of a request; `seconds` since the first attempt, retries included."""

    accepted: int
    dropped: int
    rejected: list[RejectedEvent]
    attempts: int = 1
    seconds: float = 0.0


class _RejectedResponse(msgspec.Struct):
    rejected: list[RejectedEvent] = []


class HttpSender:
    """Sends events to the collector at `url`."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        url: str,
        *,
        resend_seconds: float = RESEND_LIMIT_SECONDS,
    ) -> None:
        self._session = session
        self._url = f"{url.rstrip('/')}/v1/events"
        self._resend_seconds = resend_seconds

    async def send(self, events: Sequence[Event]) -> SendResult:
        """Send at most 1,000 events, and retry while the collector is unavailable.

        Raises NotAcknowledged when retries are exhausted or pointless.
        """
        body = _ENCODER.encode_lines(events)
        start = time.monotonic()
        attempts = 0
        while True:
            attempts += 1
            result, error, wait = await self._try(body)
            elapsed = time.monotonic() - start
            if result is not None:
                result.attempts, result.seconds = attempts, elapsed
                return result
            if elapsed + wait > self._resend_seconds:
                raise NotAcknowledged(f"given up after {attempts} attempts: {error}")
            await asyncio.sleep(wait)

    async def _try(self, body: bytes) -> tuple[SendResult | None, str, float]:
        """Return the result, or else an error and the seconds to wait.

        Raises NotAcknowledged where a retry cannot help.
        """
        headers = {"Content-Type": "application/x-ndjson"}
        try:
            async with self._session.post(self._url, data=body, headers=headers) as response:
                text = await response.read()
                retry_after = response.headers.get("Retry-After", "")
        except (aiohttp.ClientError, TimeoutError) as error:
            return None, repr(error), 1.0
        if response.status == 202:
            return msgspec.json.decode(text, type=SendResult), "", 0
        error_text = f"{response.status}: {text[:300].decode(errors='replace')}"
        if response.status >= 500:
            return None, error_text, float(retry_after) if retry_after.isdecimal() else 1.0
        if response.status == 400:
            rejected = msgspec.json.decode(text, type=_RejectedResponse).rejected
            if rejected:
                return SendResult(0, 0, rejected), error_text, 0
        raise NotAcknowledged(error_text)


@dataclass
class LoadSummary:
    """Counts events by outcome, and collects seconds to acknowledgement per request."""

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

    def acknowledged(self, events: Sequence[Event], result: SendResult) -> None:
        self.accepted += result.accepted
        self.dropped += result.dropped
        self.retries += result.attempts - 1
        self.seconds.append(result.seconds)
        self.rejected.update(rejection.reason for rejection in result.rejected)
        invalid = {rejection.index for rejection in result.rejected}
        self.by_type.update(
            event.type for index, event in enumerate(events) if index not in invalid
        )

    def lines(self, elapsed: float) -> list[str]:
        """Return the summary as text; `elapsed` is the duration in seconds."""
        types = ", ".join(f"{kind} {self.by_type[kind]}" for kind in ("view", "comment", "like"))
        lines = [
            f"sent      {self.sent} events in {elapsed:.1f} s ({self.sent / elapsed:.0f}/s)",
            f"accepted  {self.accepted}, dropped {self.dropped} ({types})",
            f"rejected  {self.rejected.total()}" + _reasons(self.rejected),
            f"retried   {self.retries} requests",
            f"never acknowledged  {self.never_acknowledged}" + _reasons(self.errors),
        ]
        if self.seconds:
            ordered = sorted(self.seconds)
            last = len(ordered) - 1
            percentiles = ", ".join(
                f"p{p} {1000 * ordered[min(last, int(len(ordered) * p / 100))]:.1f} ms"
                for p in (50, 90, 99, 100)
            )
            lines.append(f"latency   {percentiles}")
        return lines


def _reasons(counts: Counter[str]) -> str:
    return "".join(f"\n    {count} {reason}" for reason, count in counts.most_common(5))
