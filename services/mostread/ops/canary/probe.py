"""The whole way of one event, walked as a client walks it: POST, then the list.

Each event is a view of one article. The list shows how many views that has had in all, so an
event has come through when they are as many as were sent. After a failure nobody knows what
will still be counted: then another article is begun, whose first event is waited for.
"""

import asyncio
import secrets
import time
from enum import StrEnum

import aiohttp
import msgspec

from mostread.core.events import CANARY_SITE
from mostread.ops.canary.config import CanarySettings

LOOK_SECONDS = 0.1


class _Taken(msgspec.Struct):
    accepted: int


class _Total(msgspec.Struct):
    views: int


class _Item(msgspec.Struct):
    article_id: str
    total: _Total


class _List(msgspec.Struct):
    items: list[_Item]


class Way:
    """The way from a collector to a ranking, asked through `http`."""

    def __init__(self, settings: CanarySettings, http: aiohttp.ClientSession) -> None:
        self._settings = settings
        self._http = http
        self._begin_article()

    async def walk(self) -> float:
        """Send an event, and return how many seconds passed until it was in the list.

        Raises FailedError after `canary_timeout_seconds`, or where the collector refuses it.
        """
        began = time.perf_counter()
        failed = FailedError(Reason.NOT_TAKEN, "the collector did not answer")
        try:
            async with asyncio.timeout(self._settings.canary_timeout_seconds):
                await self._send()
                failed = FailedError(Reason.NOT_LISTED, "the ranking did not answer")
                while missing := await self._missing():
                    failed = FailedError(Reason.NOT_LISTED, missing)
                    await asyncio.sleep(LOOK_SECONDS)
        except FailedError:
            self._begin_article()
            raise
        except TimeoutError:
            self._begin_article()
            raise failed from None
        return time.perf_counter() - began

    def _begin_article(self) -> None:
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
            ) as answer:
                body = await answer.read()
                taken = answer.status == 202 and msgspec.json.decode(body, type=_Taken).accepted
                dropped = answer.headers.get("X-Mostread-Dropped", "")
        except (aiohttp.ClientError, TimeoutError, msgspec.MsgspecError) as error:
            raise FailedError(Reason.NOT_TAKEN, f"the collector: {error!r}") from error
        if not taken:
            said = f"dropped ({dropped})" if dropped else body.decode(errors="replace")
            raise FailedError(Reason.NOT_TAKEN, f"the collector answered {answer.status}: {said}")
        self._sent += 1

    async def _missing(self) -> str:
        """Return what is missing for the event to be in the list; nothing where it is."""
        try:
            async with self._http.get(
                f"{self._settings.canary_ranking_url}/v1/most-read",
                # Its article has one visitor, which is reason enough to hold others back.
                params={"site": CANARY_SITE, "window": "1h", "limit": "100", "quarantined": "1"},
            ) as answer:
                body = await answer.read()
            if answer.status != 200:
                return f"the ranking answered {answer.status}: {body.decode(errors='replace')}"
            listed = msgspec.json.decode(body, type=_List)
        except (aiohttp.ClientError, TimeoutError, msgspec.MsgspecError) as error:
            return f"the ranking: {error!r}"
        seen = {item.article_id: item.total.views for item in listed.items}
        views = seen.get(self._article, 0)
        return "" if views >= self._sent else f"{views} of {self._sent} events are in the list"


class Reason(StrEnum):
    """Where it was lost sight of: a closed set."""

    NOT_TAKEN = "not_taken"
    """The collector did not say that Kafka has it."""
    NOT_LISTED = "not_listed"
    """It was taken, and was in no list in time."""


class FailedError(Exception):
    """An event did not come through; the message says what was answered."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
