"""Decide about an article: on what the editor has seen, and until every reader can see it.

An editor who decides names the decision that was shown (`based_on`). If a colleague decided since,
nothing is stored. Decisions about one article are made one after the other, each waiting until
lists reflect it. The answer names a decision that another process stored in between.

A decision must be possible while ClickHouse does not answer, such as a takedown for legal reasons:
after a few seconds it is sent without the check, which the answer reports.
"""

import asyncio
from collections.abc import Callable
from typing import Annotated, Any
from weakref import WeakValueDictionary

import msgspec

from mostread.errors import ClickHouseUnavailable, DecisionConflict, InvalidBody
from mostread.ranking.api import serializers
from mostread.ranking.decisions_repository import DecisionRepository, DecisionRow, PlacedRow
from mostread.ranking.queries import DecisionsQuery, LogQuery
from mostread.ranking.service.collector import Collector, CollectorAnswer
from mostread.ranking.service.placement_log import LogEntry, placement_log, undo

_CHECKED_WITHIN_SECONDS = 5.0
_VISIBLE_WITHIN_SECONDS = 5.0
_POLL_SECONDS = 0.1
_MOST_PINS = 100


_DecisionId = Annotated[str, msgspec.Meta(pattern="^[0-9]{1,20}$")]


class DecisionService:
    """Makes decisions through the collector. `clock` is in milliseconds since the epoch."""

    def __init__(
        self, collector: Collector, decisions: DecisionRepository, clock: Callable[[], int]
    ) -> None:
        self._collector = collector
        self._decisions = decisions
        self._clock = clock
        self._locks: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()

    async def decide(
        self, *, site: str, article_id: str, body: bytes, editor: str
    ) -> CollectorAnswer:
        """Replace the decision about an article.

        Raises InvalidBody, DecisionConflict, CollectorUnavailable or Misconfigured.
        """
        body, based_on = split_based_on(body)
        lock = self._locks.setdefault((site, article_id), asyncio.Lock())
        async with lock:
            unchecked = based_on is not None and not await self._check(site, article_id, based_on)
            answer = await self._collector.decide(
                "PUT", site=site, article_id=article_id, body=body, editor=editor
            )
            if answer.status != 200:
                return answer
            placement: dict[str, Any] = msgspec.json.decode(answer.body)
            version = None if unchecked else int(placement["id"])
            entry, same_rank = await self._effect(site, article_id, version)
        document = {
            **placement,
            "visible": entry is not None,
            "unchecked": unchecked,
            "undo": undo(entry) if entry else None,
            "overtaken": _overtaken(entry, based_on),
            "same_rank": same_rank,
        }
        return answer._replace(body=msgspec.json.encode(document))

    async def _check(self, site: str, article_id: str, based_on: int) -> bool:
        """Raise DecisionConflict after a later decision; return False if ClickHouse is silent."""
        try:
            async with asyncio.timeout(_CHECKED_WITHIN_SECONDS):
                log = await placement_log(self._decisions, LogQuery(site, article_id, limit=1))
        except (ClickHouseUnavailable, TimeoutError):
            return False
        latest = log.entries[0].decision if log.entries else None
        if (latest.version if latest else 0) == based_on:
            return True
        raise DecisionConflict(
            "Another decision about this article was made since; read it in `latest`, and send its "
            "id as `based_on` to replace it.",
            members={"latest": serializers.named_decision(latest) if latest else None},
        )

    async def _effect(
        self, site: str, article_id: str, version: int | None
    ) -> tuple[LogEntry | None, list[serializers.Document]]:
        """Return a decision once lists reflect it, and the pins that it meets.

        None and no pins if that takes too long: the decision is stored all the same.
        """
        if version is None:
            return None, []
        try:
            async with asyncio.timeout(_VISIBLE_WITHIN_SECONDS):
                while True:
                    if await self._decisions.placed_version(site, article_id) >= version:
                        break
                    await asyncio.sleep(_POLL_SECONDS)
                query = LogQuery(site, article_id, limit=1, before=version + 1)
                entry = (await placement_log(self._decisions, query)).entries[0]
                return entry, await self._same_rank(site, article_id)
        except (ClickHouseUnavailable, TimeoutError):
            return None, []

    async def _same_rank(self, site: str, article_id: str) -> list[serializers.Document]:
        """Return other articles that are pinned to the same rank of the same lists."""
        query = DecisionsQuery(site, kind=("pinned",), limit=_MOST_PINS)
        pins = await self._decisions.in_force(query, self._clock())
        own = next((pin for pin in pins if pin.article_id == article_id), None)
        return [
            {"article_id": pin.article_id, "title": pin.title, "by": pin.by or None}
            for pin in pins
            if own is not None and pin is not own and pin.rank == own.rank and meet(pin, own)
        ]


def split_based_on(body: bytes) -> tuple[bytes, int | None]:
    """Return a body without `based_on`, and its value, None without one.

    A body that is not a decision stays as it is: the collector rejects it. Raises InvalidBody if
    `based_on` is not an id.
    """
    try:
        fields = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
        written = fields.pop("based_on")
    except (KeyError, UnicodeDecodeError, msgspec.MsgspecError, RecursionError):
        return body, None
    try:
        return msgspec.json.encode(fields), int(msgspec.json.decode(written, type=_DecisionId))
    except (UnicodeDecodeError, msgspec.MsgspecError) as error:
        raise InvalidBody(
            'based_on is not the id of a decision; send the `id` of the one you have seen, "0" for '
            "none."
        ) from error


def meet(one: PlacedRow, other: PlacedRow) -> bool:
    """Return whether two pins may hold in the same list."""
    kinds = (
        (one.pinned_sections, other.pinned_sections),
        (one.pinned_languages, other.pinned_languages),
        (one.pinned_windows, other.pinned_windows),
    )
    return all(not a or not b or set(a) & set(b) for a, b in kinds)


def _overtaken(entry: LogEntry | None, based_on: int | None) -> serializers.Document | None:
    """Return a decision that was stored between the check and this one."""
    replaced: DecisionRow | None = entry.replaced if entry else None
    if based_on is None or replaced is None or replaced.version == based_on:
        return None
    return serializers.named_decision(replaced)
