"""Render templates and serve their assets, with the security headers of pages.

A page requests data only from this service; pictures of articles come from wherever the CMS says.
Only one of its scripts can turn a string into markup, and only what the service rendered: the
browser rejects everything else (Trusted Types). So a title is text, whatever it contains.
"""

from collections.abc import Mapping
from datetime import datetime
from hashlib import blake2b
from pathlib import Path

import jinja2

from mostread.errors import BadParameter, ReversedRange
from mostread.infra import request_id
from mostread.infra.http import compression
from mostread.infra.http.messages import Request, Response
from mostread.infra.http.problems import not_found
from mostread.ranking.api.responses import NO_STORE, CachedResponse
from mostread.ranking.auth.access import Access
from mostread.ranking.pages.i18n import (
    LANGUAGES,
    REASONS,
    SCRIPT_MESSAGES,
    SESSION_MESSAGES,
    TRANSLATORS,
    Lang,
    Translator,
    negotiate,
)
from mostread.ranking.pages.view import view_of

RETRY_SECONDS = "2"

_PAGES = Path(__file__).parent
_ASSETS = {
    "base.css": "text/css",
    "list.css": "text/css",
    "wall.css": "text/css",
    "article.css": "text/css",
    "editor.css": "text/css",
    "icon.svg": "image/svg+xml",
    "live.js": "text/javascript",
    "stream.js": "text/javascript",
    "session.js": "text/javascript",
    "editor.js": "text/javascript",
    "keys.js": "text/javascript",
    "view.js": "text/javascript",
    "wall.js": "text/javascript",
    "retry.js": "text/javascript",
    "chart.js": "text/javascript",
}

_JOINED = {
    "editor.js": tuple(
        f"editor/{part}.js"
        for part in ("requests", "times", "decision", "toast", "form", "actions")
    )
}
"""Assets made of several files, so that a page requests one."""

_SECURITY = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' https: http:; connect-src 'self'; worker-src 'self'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'self'; require-trusted-types-for 'script'; "
    "trusted-types live",
    "X-Content-Type-Options": "nosniff",
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
    environment.filters["grouped"] = _grouped
    return environment


class PageRenderer:
    """Renders pages, and serves the assets they refer to."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._assets = {name: self._asset(name) for name in _ASSETS}
        self.version = blake2b(
            "".join(each.tag for each in self._assets.values()).encode(), digest_size=6
        ).hexdigest()
        """Changes with any asset; a page of another version reloads itself."""
        self._templates = new_environment(lstrip_blocks=True)
        self._templates.globals |= {
            # Relative, because a proxy may serve the pages below another path.
            "root": "",
            "page": "",
            "wrong": "",
            "retries": False,
            "signs_in": False,
            "access": access,
            "request_id": request_id.current,
            "session_messages": SESSION_MESSAGES,
            "script_messages": SCRIPT_MESSAGES,
            "reasons": REASONS,
            # URLs contain a hash of the content, so their content never changes.
            "asset": {
                name: f"static/{name}?v={asset.tag[:12]}" for name, asset in self._assets.items()
            },
            "version": self.version,
        }

    def render(self, name: str, lang: Lang, context: Mapping[str, object]) -> str:
        """Render a template in a language. `context` are its variables besides messages."""
        values = {"lang": lang, "t": TRANSLATORS[lang], **context}
        return self._templates.get_template(name).render(values)

    def html(
        self,
        request: Request,
        name: str,
        lang: Lang,
        context: Mapping[str, object],
        status: int = 200,
    ) -> Response:
        """Return a page, gzipped if the client accepts it.

        Its variables `account` and `editing` tell who requests it, and whether that is an editor
        of `site` in the context.
        """
        account = self._access.known(request)
        body = self.render(
            name,
            lang,
            {
                "view": view_of(request),
                "account": account,
                "editing": account and account.may_decide(str(context.get("site", ""))),
                **context,
            },
        ).encode()
        headers = {
            **_SECURITY,
            "Content-Type": "text/html; charset=utf-8",
            "Cache-Control": "no-cache" if account is None else NO_STORE,
            "Content-Language": lang,
            "Vary": "Accept-Encoding, Accept-Language, Cookie",
        }
        if compression.accepts_gzip(request.headers.get("Accept-Encoding", "")):
            body = compression.compress(body)
            headers["Content-Encoding"] = "gzip"
        return Response(body, status=status, headers=headers)

    def bad_parameter(
        self, request: Request, error: BadParameter, lang: Lang, root: str = ""
    ) -> Response:
        """Return 400 with the reason, which is in English unless the page has a form for it."""
        t = TRANSLATORS[lang]
        reversed_range = isinstance(error, ReversedRange)
        context = {
            "heading": t("bad_address"),
            "detail": t("range.reversed") if reversed_range else str(error),
            "detail_lang": lang if reversed_range else "en",
            "link_text": t("show_last_24h"),
            "root": root,
        }
        return self.html(request, "error.html", lang, context, status=400)

    def unknown_article(self, request: Request, site: str, article_id: str, lang: Lang) -> Response:
        """Return 404 for an article that does not exist, or not for who asks."""
        t = TRANSLATORS[lang]
        context = {
            "heading": t("unknown_article"),
            "detail": t("unknown_article_detail", site=site, article=article_id),
            "link_text": t("show_list"),
            # Links to this page encode slashes; a typed address has them as they are.
            "root": "../" * (1 + article_id.count("/")),
            "site": site,
            "signs_in": self._access.enabled,
        }
        return self.html(request, "error.html", lang, context, status=404)

    def sign_in(
        self, request: Request, *, site: str, page: str, root: str, status: int, wrong: str = ""
    ) -> Response:
        """Return the page to sign in, which then leads to `page`, relative to the root.

        `wrong` is the message about the last attempt.
        """
        lang = reader_language(request)
        context = {"site": site, "page": page, "root": root, "wrong": wrong}
        response = self.html(request, "sign-in.html", lang, context, status)
        response.headers["Cache-Control"] = NO_STORE
        return response

    def expired_link(self, request: Request, lang: Lang) -> Response:
        """Return 410 for a link that has ended, or that this service did not make."""
        t = TRANSLATORS[lang]
        context = {
            "heading": t("link_expired"),
            "detail": t("link_expired_detail"),
            "link_text": t("sign_in"),
            "root": "../",
        }
        return self.html(request, "error.html", lang, context, status=410)

    def unavailable(self, request: Request, lang: Lang, root: str = "") -> Response:
        """Return 503, with a script that retries."""
        t = TRANSLATORS[lang]
        context = {
            "heading": t("unavailable"),
            "detail": t("unavailable_detail"),
            "link_text": t("try_again"),
            "retries": True,
            "root": root,
        }
        page = self.html(request, "error.html", lang, context, status=503)
        page.headers["Retry-After"] = RETRY_SECONDS
        return page

    async def asset(self, request: Request) -> Response:
        """Serve an asset."""
        name = request.path_params["name"]
        if name not in self._assets:
            return not_found(request)
        return self._assets[name].respond(request)

    def _asset(self, name: str) -> CachedResponse:
        body = _source(name)
        asset = CachedResponse.of(body, _ASSETS[name], "public, max-age=31536000, immutable")
        asset.headers.update(_SECURITY)
        return asset


def _source(name: str) -> bytes:
    static = _PAGES / "static"
    return b"\n".join((static / part).read_bytes() for part in _JOINED.get(name, (name,)))


@jinja2.pass_context
def _grouped(context: jinja2.runtime.Context, number: float) -> str:
    """Format a number in the language of the template."""
    t: Translator = context["t"]
    return t.number(number)


def clock_time(timestamp: datetime, now: datetime, t: Translator) -> str:
    """Format a time in the zone of `now`, with its date unless it is today."""
    local = timestamp.astimezone(now.tzinfo)
    day = "" if local.date() == now.date() else f"{t.date(local)} {local.year}, "
    return f"{day}{local:%H:%M:%S} ({now.tzinfo})"


def reader_language(request: Request) -> Lang:
    """Return the language that the URL asks for, or else the browser."""
    written = request.query.get("lang")
    for lang in LANGUAGES:
        if lang == written:
            return lang
    return negotiate(request.headers.get("Accept-Language", ""))
