"""The list for programs that read feeds: JSON Feed 1.1 at /feed.json, RSS 2.0 at /feed.xml.

A feed changes with its list and with nothing else, so that an ETag of yesterday still holds where
the list does. Articles without an address lead nowhere and are left out.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path

import jinja2
import orjson
from aiohttp import web

from mostread.ranking.api.lists import ListAnswers
from mostread.ranking.api.params import WORDED, BadParameter, Defaults, list_query
from mostread.ranking.api.responses import Answer, answering
from mostread.ranking.api.serializers import counts_json, rfc3339
from mostread.ranking.pages.words import WORDS
from mostread.ranking.repository import Counts, Description
from mostread.ranking.service.lists import Entry, MostRead

_PAGES = Path(__file__).parents[1] / "pages" / "templates"
_MAX_AGE = 60

# What XML 1.0 has no way to write.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Item:
    """An article in a feed."""

    id: str
    title: str
    url: str
    section: str
    language: str
    image: str
    published: datetime | None
    rank: int
    total: Counts


@dataclass(frozen=True, slots=True)
class Feed:
    """A list as a feed; `address` is its own, `home` that of the site."""

    title: str
    home: str
    address: str
    language: str | None
    items: list[Item]


def add_feeds(
    app: web.Application, lists: ListAnswers, defaults: Defaults, *, public_url: str, home_url: str
) -> None:
    """Add them to `app`. Where `public_url` is empty, a feed's addresses are as it was asked."""
    templates = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_PAGES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
    )
    templates.filters["rfc822"] = lambda moment: format_datetime(moment, usegmt=True)
    templates.filters["xml"] = lambda text: _NOT_XML.sub("\ufffd", text)

    async def asked(request: web.Request) -> tuple[MostRead, Feed]:
        raw = request.rel_url.raw_query_string
        query = list_query(raw, defaults, known=WORDED)
        base = public_url.rstrip("/") or _origin(request)
        listed = (await lists.get(query)).value
        words = WORDS[query.lang]
        return listed, Feed(
            title=f"{words.most_read}: {query.section}" if query.section else words.most_read,
            home=home_url or f"{base}/",
            address=f"{base}{request.rel_url.raw_path}{query.address()}".rstrip("?"),
            language=query.language,
            items=[
                _item(entry, entry.about, query.site)
                for entry in listed.entries
                if entry.about and entry.link
            ],
        )

    async def json_feed(request: web.Request) -> web.StreamResponse:
        listed, feed = await asked(request)
        body = orjson.dumps(_json(feed))
        return Answer.of(listed, body, "application/feed+json", _MAX_AGE).respond(request)

    async def rss(request: web.Request) -> web.StreamResponse:
        listed, feed = await asked(request)
        context = {name: getattr(feed, name) for name in Feed.__slots__}
        body = templates.get_template("feed.xml").render(context).encode()
        content_type = "application/rss+xml; charset=utf-8"
        return Answer.of(listed, body, content_type, _MAX_AGE).respond(request)

    app.router.add_get("/feed.json", answering(json_feed))
    app.router.add_get("/feed.xml", answering(rss))


def _origin(request: web.Request) -> str:
    try:
        return str(request.url.origin())
    except ValueError as error:
        raise BadParameter("Host", "the header Host is no address", "a host, and a port") from error


def _item(entry: Entry, about: Description, site: str) -> Item:
    published = about.published_at
    return Item(
        id=f"article:{site}:{entry.article_id}",
        title=about.title,
        url=about.url,
        section=about.section,
        language=about.language,
        image=about.image,
        published=None if published is None else datetime.fromtimestamp(published / 1000, UTC),
        rank=entry.rank,
        total=entry.total,
    )


def _json(feed: Feed) -> Mapping[str, object]:
    return _without_empty(
        version="https://jsonfeed.org/version/1.1",
        title=feed.title,
        home_page_url=feed.home,
        feed_url=feed.address,
        language=feed.language,
    ) | {
        "items": [
            _without_empty(
                id=item.id,
                url=item.url,
                title=item.title,
                content_text=item.title,
                image=item.image,
                date_published=rfc3339(item.published) if item.published else None,
                tags=[item.section] if item.section else None,
                language=item.language,
            )
            | {"_mostread": {"rank": item.rank, "total": counts_json(item.total)}}
            for item in feed.items
        ]
    }


def _without_empty(**members: object) -> dict[str, object]:
    return {name: value for name, value in members.items() if value}
