"""GET /v1/most-read.html, the list for server-side includes, and GET /widget.js, the elements."""

from mostread.infra.http.application import Application
from mostread.infra.http.messages import Request, Response
from mostread.ranking.api import params
from mostread.ranking.api.responses import CachedResponse
from mostread.ranking.pages import elements
from mostread.ranking.pages.i18n import TRANSLATORS, Lang
from mostread.ranking.pages.templating import new_environment
from mostread.ranking.queries import ListDefaults
from mostread.ranking.service.list_reader import ListReader

_COUNTED = ("views", "comments", "likes")


def add_embeds(app: Application, lists: ListReader, defaults: ListDefaults) -> None:
    """Add the routes to `app`."""
    template = new_environment().get_template("most-read.html")
    widget = CachedResponse.of(
        elements.script().encode(), "text/javascript; charset=utf-8", "public, max-age=3600"
    )

    async def get_most_read_html(request: Request) -> Response:
        raw = request.query_string
        query = params.list_query(raw, defaults, known=params.EMBED, followed=True)
        ranked = await lists.get(query)
        options = dict(query.written)
        lang = embed_language(options)
        t = TRANSLATORS[lang]
        body = template.render(
            entries=ranked.entries,
            lang=lang,
            t=t,
            counts=options.get("counts", "1"),
            measure=query.by if query.by in _COUNTED else "views",
            during=t(f"during.{query.window}"),
        )
        content_type = "text/html; charset=utf-8"
        return CachedResponse.of(body.encode(), content_type, "public, max-age=5").respond(request)

    async def get_widget(request: Request) -> Response:
        return widget.respond(request)

    app.add("GET", "/v1/most-read.html", get_most_read_html)
    app.add("GET", "/widget.js", get_widget)


def embed_language(options: dict[str, str]) -> Lang:
    """Return the language that the URL asks for, English by default."""
    return next((lang for lang in TRANSLATORS if lang == options.get("lang")), "en")
