"""Render templates and serve their assets, with the security headers of pages.

A page requests data only from this service, and from the collector for editors' decisions. Its
scripts cannot turn a string into markup, because the browser rejects that (Trusted Types); so a
title is text, whatever it contains.
"""

from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from pathlib import Path

import jinja2
from aiohttp import web

from mostread.errors import BadParameter
from mostread.ranking.api.editor_auth import EditorAuth
from mostread.ranking.pages.i18n import (
    LANGUAGES,
    SCRIPT_MESSAGES,
    TRANSLATORS,
    Lang,
    Translator,
    negotiate,
)

RETRY_SECONDS = "2"

_PAGES = Path(__file__).parent
_ASSETS = {
    "page.css": "text/css",
    "icon.svg": "image/svg+xml",
    "live.js": "text/javascript",
    "editor.js": "text/javascript",
    "keys.js": "text/javascript",
    "retry.js": "text/javascript",
    "chart.js": "text/javascript",
    "vendor/uPlot.iife.min.js": "text/javascript",
    "vendor/uPlot.min.css": "text/css",
}


def new_environment(*, lstrip_blocks: bool = False) -> jinja2.Environment:
    """Return an environment for the templates of the pages, embeds and feeds."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_PAGES / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=lstrip_blocks,
    )
    environment.filters["grouped"] = grouped
    return environment


class PageRenderer:
    """Renders pages, and serves the assets they refer to."""

    def __init__(self, editors: EditorAuth) -> None:
        self._security = _security_headers(editors.collector_url)
        self._assets = {name: (_PAGES / "static" / name).read_bytes() for name in _ASSETS}
        self._templates = new_environment(lstrip_blocks=True)
        self._templates.globals |= {
            # Relative, because a proxy may serve the pages below another path.
            "root": "",
            "retries": False,
            "editors": editors,
            "script_messages": SCRIPT_MESSAGES,
            # URLs contain a hash of the content, so their content never changes.
            "asset": {
                name: f"static/{name}?v={sha256(content).hexdigest()[:12]}"
                for name, content in self._assets.items()
            },
        }

    def html(
        self, name: str, lang: Lang, context: Mapping[str, object], status: int = 200
    ) -> web.Response:
        """Render a template in a language. `context` are its variables besides messages."""
        values = {"lang": lang, "t": TRANSLATORS[lang], **context}
        return web.Response(
            status=status,
            text=self._templates.get_template(name).render(values),
            content_type="text/html",
            headers={
                **self._security,
                "Cache-Control": "no-cache",
                "Content-Language": lang,
                "Vary": "Accept-Language",
            },
        )

    def bad_parameter(self, error: BadParameter, lang: Lang, root: str = "") -> web.Response:
        """Return 400 with the reason, which is in English."""
        t = TRANSLATORS[lang]
        context = {
            "heading": t("bad_address"),
            "detail": str(error),
            "detail_lang": "en",
            "link_text": t("show_last_24h"),
            "root": root,
        }
        return self.html("error.html", lang, context, status=400)

    def unknown_article(self, site: str, article_id: str, lang: Lang) -> web.Response:
        """Return 404 for an article without metadata and counts."""
        t = TRANSLATORS[lang]
        context = {
            "heading": t("unknown_article"),
            "detail": t("unknown_article_detail", site=site, article=article_id),
            "link_text": t("show_list"),
            "root": "../",
        }
        return self.html("error.html", lang, context, status=404)

    def unavailable(self, lang: Lang, root: str = "") -> web.Response:
        """Return 503, with a script that retries."""
        t = TRANSLATORS[lang]
        context = {
            "heading": t("unavailable"),
            "detail": t("unavailable_detail"),
            "link_text": t("try_again"),
            "retries": True,
            "root": root,
        }
        page = self.html("error.html", lang, context, status=503)
        page.headers["Retry-After"] = RETRY_SECONDS
        return page

    async def asset(self, request: web.Request) -> web.Response:
        """Serve an asset."""
        name = request.match_info["name"]
        if name not in self._assets:
            raise web.HTTPNotFound
        headers = {"Cache-Control": "public, max-age=31536000, immutable", **self._security}
        return web.Response(body=self._assets[name], content_type=_ASSETS[name], headers=headers)


def grouped(number: float) -> str:
    """Format a number as 3 925, grouped by narrow no-break spaces.

    A comma would be ambiguous: it is the decimal separator in much of Europe.
    """
    return f"{round(number):,}".replace(",", "\u202f").replace("-", "\u2212")


def clock_time(timestamp: datetime, now: datetime, t: Translator) -> str:
    """Format a time in the zone of `now`, with its date unless it is today."""
    local = timestamp.astimezone(now.tzinfo)
    day = "" if local.date() == now.date() else f"{t.date(local)} {local.year}, "
    return f"{day}{local:%H:%M:%S} ({now.tzinfo})"


def reader_language(request: web.Request) -> Lang:
    """Return the language that the URL asks for, or else the browser."""
    written = request.query.get("lang")
    for lang in LANGUAGES:
        if lang == written:
            return lang
    return negotiate(request.headers.get("Accept-Language", ""))


def _security_headers(collector_url: str) -> Mapping[str, str]:
    sources = f"'self' {collector_url}".strip()
    policy = (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        f"connect-src {sources}; base-uri 'none'; "
        "form-action 'self'; frame-ancestors 'self'; require-trusted-types-for 'script'; "
        "trusted-types 'none'"
    )
    return {"Content-Security-Policy": policy, "X-Content-Type-Options": "nosniff"}
