"""The page at `/decisions`: everything that is decided at a site now, with what ends it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import get_args
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from mostread.errors import BadParameter, Misconfigured, Unavailable
from mostread.infra.http.application import Application
from mostread.infra.http.messages import Request, Response
from mostread.ranking.api import params, serializers
from mostread.ranking.api.exports import spreadsheet
from mostread.ranking.api.responses import NO_STORE
from mostread.ranking.auth.access import Access
from mostread.ranking.decisions_repository import DecisionRepository, PlacedRow
from mostread.ranking.pages import urls
from mostread.ranking.pages.chips import Choice
from mostread.ranking.pages.decisions import pinned_in
from mostread.ranking.pages.i18n import TRANSLATORS, Translator, reason_text
from mostread.ranking.pages.templating import PageRenderer, reader_language
from mostread.ranking.pages.view import local_defaults
from mostread.ranking.queries import DecisionKind, DecisionsQuery, ListDefaults

_PARAMETERS = {**params.DECISIONS, **{name: params.PAGE[name] for name in ("tz", "lang")}}


@dataclass(frozen=True, slots=True)
class Effect:
    """A kind of decision in force, in words."""

    kind: DecisionKind
    text: str


@dataclass(frozen=True, slots=True)
class DecidedRow:
    """An article with what is decided about it; `decided` is JSON for the script."""

    key: str
    title: str
    language: str
    section: str
    page: str | None
    effects: list[Effect]
    by: str
    time: str
    machine_time: str
    reason: str
    decided: str


def add_in_force_page(
    app: Application,
    pages: PageRenderer,
    *,
    decisions: DecisionRepository,
    access: Access,
    defaults: ListDefaults,
    clock: Callable[[], int],
) -> None:
    """Add the route to `app`. `clock` is in milliseconds since the epoch."""

    async def get_page(request: Request) -> Response:
        lang = reader_language(request)
        t = TRANSLATORS[lang]
        try:
            written, values = params.parse(request.query_string, _PARAMETERS)
            zone = ZoneInfo(values.pop("tz", local_defaults(request, defaults).tz))
            values.pop("lang", None)
            query = DecisionsQuery(**values)
            now = clock()
            editing = access.is_editor(request, query.site)
            # One more row than the page tells whether another page follows.
            more = query._replace(limit=query.limit + 1)
            rows = await decisions.in_force(more, now) if editing else []
            counted = rows[:1]
            if editing and not rows:
                # Another kind may be in force, or an earlier page.
                counted = await decisions.in_force(query._replace(kind=(), limit=1, offset=0), now)
        except BadParameter as error:
            return pages.bad_parameter(request, error, lang)
        except (Unavailable, Misconfigured):
            return pages.unavailable(request, lang)
        kept = urls.shared(written)
        chosen = [pair for pair in written if pair[0] in {"site", "kind", "q"}]
        in_file = [*chosen, *spreadsheet(lang).items()]
        local = datetime.fromtimestamp(now / 1000, zone)
        context = {
            "editing": editing,
            "rows": [decided_row(row, kept, local, t) for row in rows[: query.limit]],
            "pages": _pages(query, kept, len(rows) > query.limit, t),
            "choices": _choices(query, kept, counted[0].in_force if counted else (), t),
            "hidden_fields": [*kept.items(), *(("kind", kind) for kind in query.kind)],
            "file_url": "v1/decisions?" + urlencode(in_file),
            "list_url": "./" + (f"?{urlencode(kept)}" if kept else ""),
            "search": query.q or "",
            "filtered": bool(query.kind or query.q),
            "site": query.site,
            "zone": str(zone),
            "stale": False,
        }
        page = pages.html(request, "in_force.html", lang, context)
        page.headers["Cache-Control"] = NO_STORE
        return page

    async def redirect(request: Request) -> Response:
        query = f"?{request.query_string}" if request.query_string else ""
        return Response(status=308, headers={"Location": f"../decisions{query}"})

    app.add("GET", "/decisions", get_page)
    app.add("GET", "/decisions/", redirect)


def decided_row(row: PlacedRow, kept: dict[str, str], now: datetime, t: Translator) -> DecidedRow:
    """Return a row of the page; times are in the zone of `now`."""
    decision = serializers.named_decision(row) if row.version else None
    return DecidedRow(
        key=row.article_id,
        title=row.title,
        language=row.language,
        section=row.section,
        page=urls.article_page(row.article_id, **kept),
        effects=[Effect(kind, _effect(kind, row, now, t)) for kind in row.kinds],
        by=row.by or t("log_anonymous"),
        time=_time(row.decided_at, now, t) if row.version else "",
        machine_time=serializers.rfc3339_ms(row.decided_at) or "",
        reason=reason_text(row.reason, t),
        decided=serializers.encode({"decision": decision, "cms": row.from_cms}).decode(),
    )


def _effect(kind: DecisionKind, row: PlacedRow, now: datetime, t: Translator) -> str:
    """Return a kind of decision in words, with its times and lists."""
    times = {"embargoed": row.embargo_until, "expiring": row.expires_at, "expired": row.expires_at}
    time = times.get(kind)
    words = t(f"kind.{kind}", rank=row.rank, time=_time(time, now, t) if time else "")
    ended = {"hidden"} if row.hidden else {"listed", "pinned", "unpinned", "approved"}
    ends = row.until if kind in ended else None
    if kind == "pinned":
        words = ", ".join([words, *pinned_in(row, t)])
    if ends is not None and kind not in row.from_cms:
        words += ", " + t("decision.until", time=_time(ends, now, t))
    return words


def _time(milliseconds: int, now: datetime, t: Translator) -> str:
    local = datetime.fromtimestamp(milliseconds / 1000, UTC).astimezone(now.tzinfo)
    year = "" if local.year == now.year else f" {local.year}"
    return f"{t.date(local)}{year}, {local:%H:%M}"


def _choices(
    query: DecisionsQuery, kept: dict[str, str], in_force: Sequence[int], t: Translator
) -> list[Choice]:
    """Return the links to all decisions and to those of each kind, with their numbers."""
    searched = kept | ({"q": query.q} if query.q else {})

    def choice(label: str, kind: DecisionKind | None) -> Choice:
        parameters = searched | ({"kind": kind} if kind else {})
        chosen = query.kind == ((kind,) if kind else ())
        return Choice(label, "decisions?" + urlencode(parameters), chosen)

    kinds: tuple[DecisionKind, ...] = get_args(DecisionKind)
    numbers = dict(zip(kinds, in_force, strict=False))
    choices = [choice(t("all"), None)]
    for kind in kinds:
        number = numbers.get(kind, 0)
        if number or query.kind == (kind,):
            choices.append(choice(t(f"kinds.{kind}") + f" {t.number(number)}", kind))
    return choices


def _pages(
    query: DecisionsQuery, kept: dict[str, str], more: bool, t: Translator
) -> list[tuple[str, str, str]]:
    """Return the link relation, label and URL of the later and the earlier decisions."""

    def url(offset: int) -> str:
        pairs = [*kept.items(), *(("kind", kind) for kind in query.kind)]
        pairs += [("q", query.q)] if query.q else []
        pairs += [("limit", str(query.limit)), ("offset", str(offset))]
        return "decisions?" + urlencode(pairs)

    pages = []
    if query.offset:
        earlier = max(0, query.offset - query.limit)
        pages.append(("prev", "← " + t("decisions.later"), url(earlier)))
    if more:
        pages.append(("next", t("decisions.earlier") + " →", url(query.offset + query.limit)))
    return pages
