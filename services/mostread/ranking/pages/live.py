"""GET /live: what changes on list pages, as server-sent events.

One stream carries several pages, because all tabs of a browser share it (static/stream.js). An
event has the parts of a page as HTML, rendered by the templates of the page itself, so that a
script needs no rendering of its own and no second request.
"""

import asyncio
from collections.abc import Callable
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

        async def load() -> StreamEvent:
            ranked = await lists.get(query)
            ids = [entry.article_id for entry in ranked.entries]
            now = datetime.fromtimestamp(clock() / 1000, zone)
            lines, totals = await asyncio.gather(
                sparklines.get(query.site, ids), site_now.get(query, now)
            )
            context = {
                **freshness(ranked, now, t),
                "now_strip": now_parts(totals, query, now, t),
            }
            fresh = pages.render("live-fresh.html", lang, context)
            parts = pages.render("live-list.html", lang, list_parts(query, ranked, lines, now, t))
            # Without the time, which `fresh` tells while the list stays the same.
            content = data(parts) + str(ranked.stale).encode()
            digest = blake2b(content, digest_size=12).hexdigest()
            return StreamEvent(digest, data(fresh + parts), data(fresh))

        return load

    async def get_live(request: Request) -> StreamResponse:
        followed = params.live_pages(request.query_string)
        return await streams.serve(request, {page: loading(page) for page in followed})

    app.add("GET", "/live", get_live, head=False)
