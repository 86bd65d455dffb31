"""The page at `/`: the list for people, rendered here, without a script or a request elsewhere."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import get_args
from zoneinfo import ZoneInfo

import jinja2
from aiohttp import web

from mostread.errors import MostreadError
from mostread.ranking.answer import RETRY_SECONDS
from mostread.ranking.most_read import Entry, MostRead
from mostread.ranking.parameters import LIST, BadParameter, By, Defaults, ListQuery, list_query
from mostread.ranking.routes import ListAnswers
from mostread.ranking.store import Counts
from mostread.ranking.wire import rfc3339

_PAGES = Path(__file__).parent / "pages"
_ASSETS = {"page.css": "text/css", "icon.svg": "image/svg+xml"}
_SECURITY = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'",
    "X-Content-Type-Options": "nosniff",
}
_LABELS = {
    "1h": "1 hour",
    "6h": "6 hours",
    "24h": "24 hours",
    "7d": "7 days",
    "30d": "30 days",
    "today": "Today",
    "yesterday": "Yesterday",
    "week": "This week",
    "all": "All time",
}
_DURING = {
    **{name: f"in {_LABELS[name]}" for name in ("1h", "6h", "24h", "7d", "30d")},
    "today": "today",
    "yesterday": "yesterday",
    "week": "this week",
    "all": "in all",
}
_UNITS = {"score": "points", "trending": "views"}


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several addresses; `chosen` is the one that is shown."""

    label: str
    address: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Row:
    """An article as the page shows it; `share` is its part of the largest number, in percent."""

    rank: int
    title: str
    language: str
    url: str | None
    section: str
    section_address: str
    pinned: bool
    measured: float
    share: float
    total: Counts


def add_page(
    app: web.Application, lists: ListAnswers, defaults: Defaults, clock: Callable[[], int]
) -> None:
    """Add the page and what it is made of to `app`. `clock` is in milliseconds."""
    assets = {name: (_PAGES / name).read_bytes() for name in _ASSETS}
    pages = _environment(assets)

    def html(name: str, context: Mapping[str, object], status: int = 200) -> web.Response:
        return web.Response(
            status=status,
            text=pages.get_template(name).render(context),
            content_type="text/html",
            headers={**_SECURITY, "Cache-Control": "no-cache"},
        )

    async def index(request: web.Request) -> web.Response:
        try:
            query = list_query(request.rel_url.raw_query_string, defaults, known=LIST)
            answer = await lists.get(query)
        except BadParameter as error:
            return html(
                "error.html",
                {
                    "title": "Most read: not understood",
                    "heading": "This address is not understood",
                    "detail": str(error),
                    "way_out": "Show the list of the last 24 hours",
                },
                status=400,
            )
        except MostreadError:
            page = html(
                "error.html",
                {
                    "title": "Most read: unavailable",
                    "heading": "The counters cannot be read just now",
                    "detail": "What was counted is kept. This page tries again by itself.",
                    "way_out": "Try again now",
                },
                status=503,
            )
            page.headers["Retry-After"] = RETRY_SECONDS
            return page
        zone = ZoneInfo(dict(query.written).get("tz", defaults.tz))
        now = datetime.fromtimestamp(clock() / 1000, zone)
        return html("list.html", _context(query, answer.value, now))

    async def asset(request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name not in assets:
            raise web.HTTPNotFound
        # The address carries a hash of the content, so it never changes.
        cached = {"Cache-Control": "public, max-age=31536000, immutable", **_SECURITY}
        return web.Response(body=assets[name], content_type=_ASSETS[name], headers=cached)

    app.router.add_get("/", index)
    app.router.add_get("/static/{name}", asset)


def grouped(number: float) -> str:
    """Return 3 925, with narrow spaces that do not break: a comma means two things in Europe."""
    return f"{round(number):,}".replace(",", "\u202f").replace("-", "\u2212")


def _environment(assets: dict[str, bytes]) -> jinja2.Environment:
    pages = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_PAGES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pages.filters["grouped"] = grouped
    pages.globals["css_version"] = sha256(assets["page.css"]).hexdigest()[:12]
    pages.globals["icon_version"] = sha256(assets["icon.svg"]).hexdigest()[:12]
    return pages


def _context(query: ListQuery, listed: MostRead, now: datetime) -> dict[str, object]:
    measure = _measure(query.by)
    largest = max((measure(entry) for entry in listed.entries), default=0)
    # What is trending has one window; another one is a list of another kind.
    by = None if query.by == "trending" else dict(query.written).get("by")
    by_label = {"score": "a score", "trending": "more views than expected"}.get(query.by, query.by)
    return {
        "title": f"Most read: {_LABELS[query.window]}",
        "place": _place(query),
        "windows": [
            Choice(label, query.address(window=name, by=by, offset=None), name == query.window)
            for name, label in _LABELS.items()
        ],
        "orders": [
            Choice(by, query.address(by=by, offset=None), by == query.by) for by in get_args(By)
        ],
        "order": f"by {query.by} {_DURING[query.window]}",
        "by": query.by,
        "by_label": by_label,
        "measured_in": f"{_UNITS.get(query.by, query.by)} {_DURING[query.window]}",
        "stale": listed.stale,
        "until": _clock_time(listed.as_of, now) if listed.as_of else "",
        "until_machine": rfc3339(listed.as_of) if listed.as_of else "",
        "rows": [_row(entry, query, measure(entry), largest) for entry in listed.entries],
    }


def _place(query: ListQuery) -> list[tuple[str, str]]:
    limits = (("site", query.site), ("section", query.section), ("language", query.language))
    written = dict(query.written)
    return [
        (value, query.address(**{name: None}, offset=None))
        for name, value in limits
        if value and name in written
    ]


def _measure(by: By) -> Callable[[Entry], float]:
    if by == "score":
        return lambda entry: entry.score(by)
    if by == "trending":
        return lambda entry: entry.window.views
    return lambda entry: int(getattr(entry.window, by))


def _row(entry: Entry, query: ListQuery, measured: float, largest: float) -> Row:
    about = entry.about
    share = max(0.0, min(100.0, 100 * measured / largest)) if largest > 0 else 0.0
    return Row(
        rank=entry.rank,
        title=entry.title,
        language=entry.language,
        url=entry.link,
        section=about.section if about else "",
        section_address=query.address(section=about.section, offset=None) if about else "",
        pinned=entry.pinned,
        measured=measured,
        share=round(share, 1),
        total=entry.total,
    )


def _clock_time(moment: datetime, now: datetime) -> str:
    """Return the time as the clock of `now` shows it, with the day where that is another."""
    local = moment.astimezone(now.tzinfo)
    day = "" if local.date() == now.date() else f"{local.day} {local:%B %Y}, "
    return f"{day}{local:%H:%M:%S} ({now.tzinfo})"
