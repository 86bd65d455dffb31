"""GET /v1/most-read.html: the list as a piece of a page, for a server-side include."""

from pathlib import Path

import jinja2
from aiohttp import web

from mostread.ranking.api.lists import ListAnswers
from mostread.ranking.api.params import WORDED, Defaults, list_query
from mostread.ranking.api.responses import Answer, answering
from mostread.ranking.pages.templating import grouped
from mostread.ranking.pages.words import WORDS

_PAGES = Path(__file__).parents[1] / "pages" / "templates"
_MAX_AGE = 5


def add_fragment(app: web.Application, lists: ListAnswers, defaults: Defaults) -> None:
    """Add it to `app`."""
    templates = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_PAGES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
    )
    templates.filters["grouped"] = grouped
    template = templates.get_template("most-read.html")

    async def fragment(request: web.Request) -> web.StreamResponse:
        query = list_query(request.rel_url.raw_query_string, defaults, known=WORDED)
        listed = (await lists.get(query)).value
        body = template.render(
            entries=listed.entries, lang=query.lang, words=WORDS[query.lang], counts=query.counts
        )
        content_type = "text/html; charset=utf-8"
        return Answer.of(listed, body.encode(), content_type, _MAX_AGE).respond(request)

    app.router.add_get("/v1/most-read.html", answering(fragment))


_SCRIPT = Path(__file__).parents[1] / "pages" / "static" / "widget.js"
_WIDGET_MAX_AGE = 3600


def add_widget(app: web.Application) -> None:
    """Add it to `app`."""
    script = _SCRIPT.read_bytes()
    answer = Answer.of(None, script, "text/javascript; charset=utf-8", _WIDGET_MAX_AGE)
    # A page of another site runs it.
    answer.headers["Cross-Origin-Resource-Policy"] = "cross-origin"

    async def widget(request: web.Request) -> web.StreamResponse:
        return answer.respond(request)

    app.router.add_get("/widget.js", widget)
