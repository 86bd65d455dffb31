"""GET /live: what changes on list pages, as server-sent events.

One stream carries several pages, because all tabs of a browser share it (static/stream.js). An
event has the parts of a page as HTML, rendered by the templates of the page itself, so that a
script needs no rendering of its own and no second request. They are rendered when what they show
has changed, once for all who follow the page.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from hashlib import blake2b
from zoneinfo import ZoneInfo

from mostread.infra.http.application import Application
from mostread.infra.http.messages import Request, StreamResponse
from mostread.ranking.api import params, serializers
from mostread.ranking.api.embeds import embed_language
from mostread.ranking.api.stream import Load, StreamEvent, StreamHub
from mostread.ranking.pages.i18n import TRANSLATORS
from mostread.ranking.pages.list import freshness
from mostread.ranking.pages.now import NowReader, now_parts
from mostread.ranking.pages.page_query import page_query
from mostread.ranking.pages.rows import list_parts
from mostread.ranking.pages.templating import PageRenderer
from mostread.ranking.queries import ListDefaults
from mostread.ranking.service.list_reader import ListReader
from mostread.ranking.service.sparklines import Sparklines

REFRESH_SECONDS = 2.0
"""How often a page is refreshed: half as often as lists of the API, for half the cost."""


def add_live_pages(
    app: Application,
    pages: PageRenderer,
    *,
    lists: ListReader,
    site_now: NowReader,
    sparklines: Sparklines,
    streams: StreamHub,
    defaults: ListDefaults,
    clock: Callable[[], int],
) -> None:
    """Add the route to `app`. `clock` is in milliseconds."""

    def loading(page: str) -> Load:
        """Return the function that renders a page, given as its query string."""
        query = page_query(page, defaults, params.LIVE, followed=False)
        written = dict(query.written)
        lang = embed_language(written)
        t = TRANSLATORS[lang]
        zone = ZoneInfo(written.get("tz", defaults.tz))

        def data(html: str) -> bytes:
            return serializers.encode({"page": page, "version": pages.version, "html": html})

        rendered: tuple[object, StreamEvent] | None = None

        async def load() -> StreamEvent:
            nonlocal rendered
            ranked = await lists.get(query)
            ids = [entry.article_id for entry in ranked.entries]
            now = datetime.fromtimestamp(clock() / 1000, zone)
            lines, totals = await asyncio.gather(
                sparklines.get(query.site, ids, ranked.window), site_now.get(query, now)
            )

            def fresh() -> str:
                strip = now_parts(totals, query, now, t)
                context = {**freshness(ranked, now, t), "now_strip": strip}
                return pages.render("live-fresh.html", lang, context)

            # Ages are in minutes.
            minute = now.replace(second=0, microsecond=0)
            shown = (minute, ranked.entries, ranked.stale, lines)
            if rendered is not None and rendered[0] == shown:
                return replace(rendered[1], render_fresh=lambda: data(fresh()))
            parts = pages.render("live-list.html", lang, list_parts(query, ranked, lines, now, t))
            # Without the time, which `fresh` tells while the list stays the same.
            content = data(parts) + str(ranked.stale).encode()
            digest = blake2b(content, digest_size=12).hexdigest()
            event = StreamEvent(digest, data(fresh() + parts), lambda: data(fresh()))
            rendered = (shown, event)
            return event

        return load

    async def get_live(request: Request) -> StreamResponse:
        followed = params.live_pages(request.query_string)
        return await streams.serve(
            request, {page: loading(page) for page in followed}, REFRESH_SECONDS
        )

    app.add("GET", "/live", get_live, head=False)
