"""GET /widget.js: the list as a custom element for any page."""

from pathlib import Path

from aiohttp import web

from mostread.ranking.api.responses import Answer

_SCRIPT = Path(__file__).parents[1] / "pages" / "static" / "widget.js"
_MAX_AGE = 3600


def add_widget(app: web.Application) -> None:
    """Add it to `app`."""
    script = _SCRIPT.read_bytes()
    answer = Answer.of(None, script, "text/javascript; charset=utf-8", _MAX_AGE)
    # A page of another site runs it.
    answer.headers["Cross-Origin-Resource-Policy"] = "cross-origin"

    async def widget(request: web.Request) -> web.StreamResponse:
        return answer.respond(request)

    app.router.add_get("/widget.js", widget)
