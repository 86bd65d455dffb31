"""The decision log of one article, as a fragment that the script of its page requests.

Reading it requires an editor's token, which must not be in a URL, so the page cannot contain it.
"""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from mostread.errors import BadParameter, Misconfigured, Unavailable
from mostread.infra.http.application import Application
from mostread.infra.http.messages import Request, Response
from mostread.ranking.api import params, serializers
from mostread.ranking.api.responses import NO_STORE
from mostread.ranking.auth.access import Access
from mostread.ranking.decisions_repository import DecisionRepository, DecisionRow, ExclusionRow
from mostread.ranking.pages import urls
from mostread.ranking.pages.article_charts import clock_label
from mostread.ranking.pages.chart import Mark
from mostread.ranking.pages.i18n import TRANSLATORS, Translator, reason_text
from mostread.ranking.pages.templating import PageRenderer, clock_time, reader_language
from mostread.ranking.pages.view import local_defaults
from mostread.ranking.queries import ListDefaults, LogQuery
from mostread.ranking.service.placement_log import LogEntry, PlacementLog, placement_log, undo

_LIMIT = 50
_PARAMETERS = {name: params.PAGE[name] for name in urls.SHARED}


@dataclass(frozen=True, slots=True)
class DecisionView:
    """A decision or exclusion as text; `undo` is the JSON that undoes a decision."""

    machine_time: str
    time: str
    by: str
    effects: list[str]
    reason: str
    undo: str = ""
    newest: bool = False
    """Whether it is the decision in force."""


def add_decisions_page(
    app: Application,
    pages: PageRenderer,
    *,
    decisions: DecisionRepository,
    access: Access,
    defaults: ListDefaults,
) -> None:
    """Add the route to `app`."""

    async def get_decisions(request: Request) -> Response:
        lang = reader_language(request)
        try:
            _, values = params.parse(request.query_string, _PARAMETERS)
            article_id = params.article_id(request.path_params["article_id"])
            query = LogQuery(values.get("site", "default"), article_id, limit=_LIMIT)
            access.require_editor(request, query.site)
            log, exclusions = await asyncio.gather(
                placement_log(decisions, query), decisions.exclusions(query.site, article_id)
            )
        except BadParameter as error:
            return pages.bad_parameter(request, error, lang, root="../../")
        except (Unavailable, Misconfigured):
            return pages.unavailable(request, lang, root="../../")
        zone = ZoneInfo(values.get("tz", local_defaults(request, defaults).tz))
        times = {entry.decision.version: entry.decision.decided_at for entry in log.entries}
        t = TRANSLATORS[lang]
        views = [
            *(_view(entry, times, zone, t, newest=not n) for n, entry in enumerate(log.entries)),
            *(_exclusion_view(each, zone, t) for each in exclusions),
        ]
        views.sort(key=lambda view: view.machine_time, reverse=True)
        response = pages.html(
            request,
            "decisions.html",
            lang,
            {"decisions": views, "more": log.more, "latest": _latest(log)},
        )
        response.headers["Cache-Control"] = NO_STORE
        return response

    app.add("GET", "/articles/{article_id}/decisions", get_decisions)


def decision_marks(log: PlacementLog, t: Translator) -> list[Mark]:
    """Return the decisions of a log as marks in a chart, each with its first effect and author."""
    marks = []
    for decision, _ in log.entries:
        time = datetime.fromtimestamp(decision.decided_at / 1000, UTC)
        label = f"{_mark(decision, t)} ({decision.by or t('log_anonymous')})"
        marks.append(Mark("decision", time, label))
    return marks


def exclusion_marks(
    exclusions: Iterable[ExclusionRow], zone: ZoneInfo, t: Translator
) -> list[Mark]:
    """Return the exclusions in effect as marks in a chart, each at its beginning."""
    applied = [each for each in exclusions if each.applied_at is not None]
    removed = {each.id for each in applied if each.action == "remove"}
    return [
        Mark(
            "decision",
            datetime.fromtimestamp(each.start / 1000, UTC),
            t("mark.excluded", end=_minute(each.end, zone, t)),
        )
        for each in applied
        if each.id not in removed
    ]


def _mark(decision: DecisionRow, t: Translator) -> str:
    if decision.hidden is not None:
        return t("decision.hidden" if decision.hidden else "decision.listed")
    if decision.pinned is not None:
        key = "decision.pinned" if decision.pinned else "decision.unpinned"
        return t(key, rank=decision.pinned)
    if decision.embargo_until is not None:
        return t("withheld.embargoed")
    if decision.expires_at is not None:
        return t("mark.expires")
    return t("decision.approved" if decision.approved else "decision.none")


def _latest(log: PlacementLog) -> str:
    return str(log.entries[0].decision.version) if log.entries else "0"


def _view(
    entry: LogEntry, times: Mapping[int, int], zone: ZoneInfo, t: Translator, *, newest: bool
) -> DecisionView:
    decision = entry.decision
    effects = _effects(decision, zone, t)
    if (undone := times.get(decision.undoes or 0)) is not None:
        effects.append(t("decision.undoes", time=_time(undone, zone, t)))
    return DecisionView(
        machine_time=serializers.rfc3339_ms(decision.decided_at) or "",
        time=_time(decision.decided_at, zone, t),
        by=decision.by or t("log_anonymous"),
        effects=effects,
        reason=reason_text(decision.reason, t),
        undo=serializers.encode(undo(entry)).decode(),
        newest=newest,
    )


def _exclusion_view(row: ExclusionRow, zone: ZoneInfo, t: Translator) -> DecisionView:
    start, end = _minute(row.start, zone, t), _minute(row.end, zone, t)
    effects = [t(f"exclusion.{row.action}", start=start, end=end)]
    if row.one_visitor:
        effects.append(t("exclusion.visitor"))
    if row.whole_site:
        effects.append(t("exclusion.site"))
    if row.applied_at is None:
        effects.append(t("exclusion.pending"))
    return DecisionView(
        machine_time=serializers.rfc3339_ms(row.recorded_at) or "",
        time=_time(row.recorded_at, zone, t),
        by=row.by,
        effects=effects,
        reason=row.reason,
    )


def _effects(decision: DecisionRow, zone: ZoneInfo, t: Translator) -> list[str]:
    effects = []
    until = decision.until and t("decision.until", time=_time(decision.until, zone, t))
    if decision.hidden is not None:
        effects.append(t("decision.hidden" if decision.hidden else "decision.listed"))
    if decision.hidden and until:
        effects.append(until)
    if decision.pinned is not None:
        key = "decision.pinned" if decision.pinned else "decision.unpinned"
        effects.append(t(key, rank=decision.pinned))
    effects += pinned_in(decision, t)
    if decision.embargo_until is not None:
        effects.append(t("decision.embargo", time=_time(decision.embargo_until, zone, t)))
    if decision.expires_at is not None:
        effects.append(t("decision.expires", time=_time(decision.expires_at, zone, t)))
    if decision.approved:
        effects.append(t("decision.approved"))
    if not effects:
        return [t("decision.none")]
    if until and not decision.hidden:
        effects.append(until)
    return effects


def pinned_in(decision: DecisionRow, t: Translator) -> list[str]:
    """Return the lists in which a pin holds, none if it holds in all."""
    kinds = (
        [section or t("all_sections") for section in decision.pinned_sections],
        [language or t("all_languages") for language in decision.pinned_languages],
        [t(f"window.{window}") for window in decision.pinned_windows],
    )
    named = "; ".join(", ".join(names) for names in kinds if names)
    return [t("decision.pinned_in", lists=named)] if named else []


def _minute(milliseconds: int, zone: ZoneInfo, t: Translator) -> str:
    return clock_label(datetime.fromtimestamp(milliseconds / 1000, zone), t)


def _time(milliseconds: int, zone: ZoneInfo, t: Translator) -> str:
    # Relative to the epoch, so that the date is always included.
    timestamp = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return clock_time(timestamp, datetime.fromtimestamp(0, zone), t)
