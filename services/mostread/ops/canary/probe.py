"""One probe: sends an event like a client, and polls the list until it is counted.

Each event is a view of the same article, and the list shows the article's total views, so an event
is visible once that total reaches the number of events sent. After a failure it is unknown which
events will still be counted; the probe then continues with a new article.
"""

import asyncio
import secrets
import time
from enum import StrEnum

import aiohttp
import msgspec

from mostread.core.events import CANARY_SITE
from mostread.ops.canary.config import CanarySettings

_POLL_INTERVAL_SECONDS = 0.1


class _Accepted(msgspec.Struct):
    accepted: int


class _Total(msgspec.Struct):
    views: int


class _ListedItem(msgspec.Struct):
    article_id: str
    total: _Total


class _List(msgspec.Struct):
    items: list[_ListedItem]


class Probe:
    """Measures end-to-end latency from a collector to a ranking service."""

    def __init__(self, settings: CanarySettings, http: aiohttp.ClientSession) -> None:
        self._settings = settings
        self._http = http
        self._start_article()

    async def measure(self) -> float:
        """Send an event, and return the seconds until a list shows it.

        Raises ProbeError after `canary_timeout_seconds`, or where the collector refuses it.
        """
        started = time.perf_counter()
        error = ProbeError(FailureReason.NOT_ACCEPTED, "the collector did not respond")
        try:
            async with asyncio.timeout(self._settings.canary_timeout_seconds):
                await self._send()
                error = ProbeError(FailureReason.NOT_LISTED, "the ranking service did not respond")
                while missing := await self._missing():
                    error = ProbeError(FailureReason.NOT_LISTED, missing)
                    await asyncio.sleep(_POLL_INTERVAL_SECONDS)
        except ProbeError:
            self._start_article()
            raise
        except TimeoutError:
            self._start_article()
            raise error from None
        return time.perf_counter() - started

    def _start_article(self) -> None:
        self._article = f"canary-{secrets.token_hex(8)}"
        self._sent = 0

    async def _send(self) -> None:
        event = {
            "id": f"canary-{secrets.token_hex(16)}",
            "type": "view",
            "site": CANARY_SITE,
            "article_id": self._article,
        }
        token = self._settings.canary_token.get_secret_value()
        try:
            async with self._http.post(
                f"{self._settings.canary_collector_url}/v1/events",
                json=event,
                headers={"Authorization": f"Bearer {token}"},
            ) as response:
                body = await response.read()
                accepted = (
                    response.status == 202 and msgspec.json.decode(body, type=_Accepted).accepted
                )
                dropped = response.headers.get("X-Mostread-Dropped", "")
        except (aiohttp.ClientError, TimeoutError, msgspec.MsgspecError) as error:
            raise ProbeError(FailureReason.NOT_ACCEPTED, f"the collector: {error!r}") from error
        if not accepted:
            reason = f"dropped ({dropped})" if dropped else body.decode(errors="replace")
            raise ProbeError(
                FailureReason.NOT_ACCEPTED, f"the collector responded {response.status}: {reason}"
            )
        self._sent += 1

    async def _missing(self) -> str:
        """Return what the list lacks; empty once it shows the event."""
        try:
            async with self._http.get(
                f"{self._settings.canary_ranking_url}/v1/most-read",
                # The article has a single visitor, so it may be quarantined.
                params={"site": CANARY_SITE, "window": "1h", "limit": "100", "quarantined": "1"},
            ) as response:
                body = await response.read()
            if response.status != 200:
                text = body.decode(errors="replace")
                return f"the ranking service responded {response.status}: {text}"
            listed = msgspec.json.decode(body, type=_List)
        except (aiohttp.ClientError, TimeoutError, msgspec.MsgspecError) as error:
            return f"the ranking service: {error!r}"
        totals = {item.article_id: item.total.views for item in listed.items}
        views = totals.get(self._article, 0)
        return "" if views >= self._sent else f"{views} of {self._sent} events are in the list"


class FailureReason(StrEnum):
    """Stage at which a probe failed: a closed set."""

    NOT_ACCEPTED = "not_accepted"
    """The collector did not acknowledge the event."""
    NOT_LISTED = "not_listed"
    """The event was acknowledged, but no list showed it in time."""


class ProbeError(Exception):
    """A probe failed; the message holds the last response."""

    def __init__(self, reason: FailureReason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
