"""What every page is made of: templates, the files they ask for, and what a browser may do.

A page asks nobody but this service, and the collector where an editor decides; no script of it
can make markup out of a string: the browser itself refuses (Trusted Types). So a title is text,
whatever it says.
"""

from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from pathlib import Path

import jinja2
from aiohttp import web

from mostread.ranking.api.editor_auth import Newsroom
from mostread.ranking.api.params import BadParameter
from mostread.ranking.api.responses import RETRY_SECONDS
from mostread.ranking.pages.desk_words import DESK_WORDS
from mostread.ranking.pages.page_words import PAGE_WORDS, PageWords, spoken
from mostread.ranking.pages.words import WORDS, Lang

_PAGES = Path(__file__).parent
_ASSETS = {
    "page.css": "text/css",
    "icon.svg": "image/svg+xml",
    "live.js": "text/javascript",
    "desk.js": "text/javascript",
    "keys.js": "text/javascript",
    "again.js": "text/javascript",
    "chart.js": "text/javascript",
    "vendor/uPlot.iife.min.js": "text/javascript",
    "vendor/uPlot.min.css": "text/css",
}


def _security(also_asked: str) -> Mapping[str, str]:
    asked = f"'self' {also_asked}".strip()
    policy = (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        f"connect-src {asked}; base-uri 'none'; "
        "form-action 'self'; frame-ancestors 'self'; require-trusted-types-for 'script'; "
        "trusted-types 'none'"
    )
    return {"Content-Security-Policy": policy, "X-Content-Type-Options": "nosniff"}


class Pages:
    """Renders the templates of pages/, each with the addresses of what it asks for."""

    def __init__(self, newsroom: Newsroom) -> None:
        self._security = _security(newsroom.collector)
        self._assets = {name: (_PAGES / "static" / name).read_bytes() for name in _ASSETS}
        self._templates = jinja2.Environment(
            loader=jinja2.FileSystemLoader(_PAGES / "templates"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        # From the page to `/`: the service may stand below another path.
        self._templates.globals["root"] = ""
        self._templates.globals["again"] = False
        self._templates.globals["newsroom"] = newsroom
        self._templates.filters["grouped"] = grouped
        # The address carries a hash of the content, so what it names never changes.
        self._templates.globals["asset"] = {
            name: f"static/{name}?v={sha256(content).hexdigest()[:12]}"
            for name, content in self._assets.items()
        }

    def html(
        self, name: str, lang: Lang, context: Mapping[str, object], status: int = 200
    ) -> web.Response:
        """Return a page in a language. `context` is what its template names beside words."""
        told = {
            "lang": lang,
            "words": PAGE_WORDS[lang],
            "desk": DESK_WORDS[lang],
            "most_read": WORDS[lang].most_read,
        }
        return web.Response(
            status=status,
            text=self._templates.get_template(name).render({**told, **context}),
            content_type="text/html",
            headers={
                **self._security,
                "Cache-Control": "no-cache",
                "Content-Language": lang,
                "Vary": "Accept-Language",
            },
        )

    def not_understood(self, error: BadParameter, lang: Lang, root: str = "") -> web.Response:
        """Return 400: an address that says what is wrong with it."""
        words = PAGE_WORDS[lang]
        told = {
            "heading": words.not_understood,
            "detail": str(error),
            "detail_lang": "en",
            "way_out": words.show_24h,
            "root": root,
        }
        return self.html("error.html", lang, told, status=400)

    def unknown_article(self, site: str, article_id: str, lang: Lang) -> web.Response:
        """Return 404: nobody has described the article, and nothing was counted for it."""
        words = PAGE_WORDS[lang]
        told = {
            "heading": words.unknown,
            "detail": words.unknown_why.format(site=site, article=article_id),
            "way_out": words.show_list,
            "root": "../",
        }
        return self.html("error.html", lang, told, status=404)

    def unavailable(self, lang: Lang, root: str = "") -> web.Response:
        """Return 503: there is nothing kept to show."""
        words = PAGE_WORDS[lang]
        told = {
            "heading": words.unavailable,
            "detail": words.unavailable_why,
            "way_out": words.try_again,
            "again": True,
            "root": root,
        }
        page = self.html("error.html", lang, told, status=503)
        page.headers["Retry-After"] = RETRY_SECONDS
        return page

    async def asset(self, request: web.Request) -> web.Response:
        """Answer with a file that a page asks for."""
        name = request.match_info["name"]
        if name not in self._assets:
            raise web.HTTPNotFound
        cached = {"Cache-Control": "public, max-age=31536000, immutable", **self._security}
        return web.Response(body=self._assets[name], content_type=_ASSETS[name], headers=cached)


def grouped(number: float) -> str:
    """Return 3 925, with narrow spaces that do not break: a comma means two things in Europe."""
    return f"{round(number):,}".replace(",", "\u202f").replace("-", "\u2212")


def clock_time(moment: datetime, now: datetime, words: PageWords) -> str:
    """Return the time as the clock of `now` shows it, with the day where that is another."""
    local = moment.astimezone(now.tzinfo)
    day = "" if local.date() == now.date() else f"{words.date(local)} {local.year}, "
    return f"{day}{local:%H:%M:%S} ({now.tzinfo})"


def reader_language(request: web.Request) -> Lang:
    """Return the language of the address, or else of the browser."""
    chosen = request.query.get("lang")
    for lang in PAGE_WORDS:
        if lang == chosen:
            return lang
    return spoken(request.headers.get("Accept-Language", ""))
