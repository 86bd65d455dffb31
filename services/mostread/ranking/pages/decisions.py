"""The log of decisions about one article as a piece of its page, which the page's script asks for.

It needs an editor's token, which no address may hold, so that the page itself cannot have it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import orjson
from aiohttp import web

from mostread.errors import MostreadError
from mostread.infra.http.auth import Refused
from mostread.ranking.api.editor_auth import Newsroom
from mostread.ranking.api.params import (
    PAGE,
    PARAMETERS,
    BadParameter,
    Defaults,
    article_id_of,
    parsed,
)
from mostread.ranking.api.serializers import rfc3339
from mostread.ranking.pages.desk_words import DESK_WORDS, DeskWords
from mostread.ranking.pages.page_words import PAGE_WORDS, PageWords
from mostread.ranking.pages.templating import Pages, clock_time, reader_language
from mostread.ranking.repository import DecisionRow, Store
from mostread.ranking.service.placement_log import Logged, LogQuery, placement_log, undo

_ARTICLES = "/articles/"
_SHOWN = 50
_PARAMETERS = {"site": PARAMETERS["site"], "tz": PARAMETERS["tz"], "lang": PAGE["lang"]}


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision in words; `undo` is what an editor sends to take it back."""

    machine: str
    when: str
    by: str
    said: list[str]
    reason: str
    undo: str


def add_decisions_page(
    app: web.Application, pages: Pages, *, store: Store, newsroom: Newsroom, defaults: Defaults
) -> None:
    """Add it to `app`."""

    async def page(request: web.Request) -> web.Response:
        lang = reader_language(request)
        try:
            newsroom.require_editor(request)
            _, values = parsed(request.rel_url.raw_query_string, _PARAMETERS)
            raw = request.rel_url.raw_path.removeprefix(_ARTICLES).removesuffix("/decisions")
            query = LogQuery(values.get("site", "default"), article_id_of(raw), limit=_SHOWN)
            log = await placement_log(store, query)
        except Refused as refused:
            return refused.answer
        except BadParameter as error:
            return pages.not_understood(error, lang, root="../../")
        except MostreadError:
            return pages.unavailable(lang, root="../../")
        zone = ZoneInfo(values.get("tz", defaults.tz))
        words = (PAGE_WORDS[lang], DESK_WORDS[lang])
        times = {logged.decision.version: logged.decision.decided_at for logged in log.decisions}
        decided = [_decided(logged, times, zone, *words) for logged in log.decisions]
        answer = pages.html("decisions.html", lang, {"decisions": decided, "more": log.more})
        answer.headers["Cache-Control"] = "private, no-store"
        return answer

    app.router.add_get(_ARTICLES + "{article_id:[^/]+}/decisions", page)


def _decided(
    logged: Logged, times: Mapping[int, int], zone: ZoneInfo, words: PageWords, desk: DeskWords
) -> Decided:
    decision = logged.decision
    said = list(_said(decision, zone, words, desk))
    if (undone := times.get(decision.undoes or 0)) is not None:
        said.append(desk.said_undoes.format(time=_time(undone, zone, words)))
    moment = datetime.fromtimestamp(decision.decided_at / 1000, UTC)
    return Decided(
        machine=rfc3339(moment),
        when=_time(decision.decided_at, zone, words),
        by=decision.by or desk.nobody,
        said=said,
        reason=decision.reason,
        undo=orjson.dumps(undo(logged)).decode(),
    )


def _said(decision: DecisionRow, zone: ZoneInfo, words: PageWords, desk: DeskWords) -> list[str]:
    said = []
    if decision.hidden is not None:
        said.append(desk.said_hidden if decision.hidden else desk.said_listed)
    if decision.pinned is not None:
        pinned = desk.said_pinned if decision.pinned else desk.said_unpinned
        said.append(pinned.format(rank=decision.pinned))
    for text, moment in (
        (desk.said_embargo, decision.embargo_until),
        (desk.said_expires, decision.expires_at),
    ):
        if moment is not None:
            said.append(text.format(time=_time(moment, zone, words)))
    if decision.approved:
        said.append(desk.said_approved)
    if not said:
        return [desk.said_nothing]
    if decision.until is not None:
        said.append(desk.said_until.format(time=_time(decision.until, zone, words)))
    return said


def _time(milliseconds: int, zone: ZoneInfo, words: PageWords) -> str:
    # As of no day: each has its date.
    return clock_time(
        datetime.fromtimestamp(milliseconds / 1000, UTC), datetime.fromtimestamp(0, zone), words
    )
