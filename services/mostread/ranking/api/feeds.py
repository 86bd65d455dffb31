"""The list as a feed: JSON Feed 1.1 at /feed.json, RSS 2.0 at /feed.xml.

The ETag changes only with the list: it excludes the time of an RSS feed. Articles without a URL
are left out.
"""

import re
from dataclasses import dataclass, replace
from datetime import datetime
from email.utils import format_datetime

from mostread.errors import BadParameter
from mostread.infra.http.application import Application
from mostread.infra.http.messages import Request, Response
from mostread.ranking.api import params, serializers
from mostread.ranking.api.embeds import embed_language
from mostread.ranking.api.responses import CachedResponse
from mostread.ranking.pages import urls
from mostread.ranking.pages.i18n import TRANSLATORS
from mostread.ranking.pages.templating import new_environment
from mostread.ranking.queries import ListDefaults
from mostread.ranking.repository import Counts, Metadata
from mostread.ranking.service.list_reader import ListReader
from mostread.ranking.service.lists import Entry

_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:[0-9]{1,5})?", re.IGNORECASE)

# Characters that XML 1.0 cannot represent.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class FeedItem:
    """An article in a feed."""

    id: str
    title: str
    url: str
    section: str
    language: str
    image: str
    published: datetime | None
    description: str
    rank: int
    total: Counts


@dataclass(frozen=True, slots=True)
class Feed:
    """A list as a feed: `url` is its own URL, `home` that of the site, `built` its time."""

    title: str
    home: str
    url: str
    language: str | None
    built: datetime | None
    items: list[FeedItem]


def add_feeds(
    app: Application,
    lists: ListReader,
    defaults: ListDefaults,
    *,
    public_url: str,
    home_url: str,
) -> None:
    """Add the routes to `app`.

    Without `public_url`, URLs are based on the request's header Host, which anybody may choose:
    then no cache that readers share may store a feed.
    """
    cache_control = f"{'public' if public_url else 'private'}, max-age=60"
    templates = new_environment()
    templates.filters["rfc822"] = lambda timestamp: format_datetime(timestamp, usegmt=True)
    templates.filters["xml"] = lambda text: _NOT_XML.sub("\ufffd", text)
    template = templates.get_template("feed.xml")

    async def feed(request: Request) -> Feed:
        raw = request.query_string
        query = params.list_query(raw, defaults, known=params.EMBED, followed=True)
        base = public_url.rstrip("/") or _origin(request)
        ranked = await lists.get(query)
        t = TRANSLATORS[embed_language(dict(query.written))]
        title, during = t("most_read"), t(f"during.{query.window}")
        return Feed(
            title=f"{title}: {', '.join(query.section)}" if query.section else title,
            home=home_url or f"{base}/",
            url=f"{base}{request.path}{urls.list_params(query)}".rstrip("?"),
            language=query.language[0] if len(query.language) == 1 else None,
            built=ranked.as_of,
            items=[
                _item(
                    entry,
                    entry.metadata,
                    query.site,
                    # Readers sort a feed by time.
                    t("feed.rank", rank=t.number(entry.rank), during=during),
                )
                for entry in ranked.entries
                if entry.metadata and entry.link
            ],
        )

    async def get_json_feed(request: Request) -> Response:
        body = serializers.encode(_json(await feed(request)))
        return CachedResponse.of(body, "application/feed+json", cache_control).respond(request)

    async def get_rss(request: Request) -> Response:
        current = await feed(request)
        body, content = (
            template.render(feed=each).encode() for each in (current, replace(current, built=None))
        )
        content_type = "application/rss+xml; charset=utf-8"
        response = CachedResponse.of(body, content_type, cache_control, content=content)
        return response.respond(request)

    app.add("GET", "/feed.json", get_json_feed)
    app.add("GET", "/feed.xml", get_rss)


def _origin(request: Request) -> str:
    if not _HOST.fullmatch(request.host):
        raise BadParameter("Host", "the header Host is not valid", "a host with an optional port")
    return f"{request.scheme}://{request.host}"


def _item(entry: Entry, metadata: Metadata, site: str, description: str) -> FeedItem:
    return FeedItem(
        id=f"article:{site}:{entry.article_id}",
        title=metadata.title,
        url=metadata.url,
        section=metadata.section,
        language=metadata.language,
        image=metadata.image,
        published=metadata.published,
        description=description,
        rank=entry.rank,
        total=entry.total,
    )


def _json(feed: Feed) -> dict[str, object]:
    return _without_empty(
        version="https://jsonfeed.org/version/1.1",
        title=feed.title,
        home_page_url=feed.home,
        feed_url=feed.url,
        language=feed.language,
    ) | {"items": [_json_item(item) for item in feed.items]}


def _json_item(item: FeedItem) -> dict[str, object]:
    return _without_empty(
        id=item.id,
        url=item.url,
        title=item.title,
        content_text=item.title,
        image=item.image,
        date_published=serializers.rfc3339(item.published) if item.published else None,
        tags=[item.section] if item.section else None,
        language=item.language,
    ) | {"_mostread": {"rank": item.rank, "total": item.total}}


def _without_empty(**members: object) -> dict[str, object]:
    return {name: value for name, value in members.items() if value}
