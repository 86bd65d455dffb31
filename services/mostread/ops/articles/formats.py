"""Read RSS, Atom, JSON Feed, news sitemaps and indexes of sitemaps."""

import calendar
import gzip
import io
import json
import re
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urljoin
from xml.etree.ElementTree import Element, ParseError

import feedparser
from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from mostread.errors import MostreadError
from mostread.ops.articles.item import SourceItem, text_of_html

_SITEMAP = re.compile(rb"<(?:\w+:)?(urlset|sitemapindex)[\s>]")
_PROLOGUE_BYTES = 4096
_GZIP_MAGIC = b"\x1f\x8b"
_NEWS = "{http://www.google.com/schemas/sitemap-news/0.9}"
_IMAGE = "{http://www.google.com/schemas/sitemap-image/1.1}"
_JSON_FEED = "https://jsonfeed.org/version/"


class UnreadableFeed(MostreadError):
    """A document that is not a feed; the message says what it is."""


@dataclass(frozen=True, slots=True)
class Document:
    """The items of a feed, or the addresses of the sitemaps of an index, newest first."""

    items: list[SourceItem]
    sitemaps: tuple[str, ...] = ()


def read_document(
    content: bytes, url: str, content_type: str, max_bytes: int, max_items: int
) -> Document:
    """Return what a document at `url` lists, the first `max_items`. Raises UnreadableFeed.

    The content decides, not its name or type.
    """
    if content.startswith(_GZIP_MAGIC):
        content = _gunzip(content, max_bytes)
    if content.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"{":
        return Document(_json_feed(content, url, max_items))
    # Without its zero bytes, UTF-16 is readable enough.
    if match := _SITEMAP.search(content[:_PROLOGUE_BYTES].replace(b"\0", b"")):
        root = _parse_xml(content)
        if match[1] == b"urlset":
            return Document(_news_sitemap(root, max_items))
        return Document([], _sitemap_index(root))
    return Document(_syndication(content, url, content_type, max_items))


def _gunzip(content: bytes, max_bytes: int) -> bytes:
    try:
        with gzip.open(io.BytesIO(content)) as file:
            data = file.read(max_bytes + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise UnreadableFeed(f"it is not a complete gzip file: {error}") from error
    if len(data) > max_bytes:
        raise UnreadableFeed(f"it has more than {max_bytes} bytes")
    return data


def _syndication(content: bytes, url: str, content_type: str, max_items: int) -> list[SourceItem]:
    """Return the items of RSS or Atom, as far as a broken document can be read."""
    headers = {"content-location": url, "content-type": content_type}
    try:
        parsed = feedparser.parse(
            content, response_headers=headers, sanitize_html=False, resolve_relative_uris=False
        )
    except Exception as error:  # feedparser names no exceptions that it raises
        raise UnreadableFeed(f"feedparser failed: {error!r}") from error
    if not parsed.get("version") and not parsed.entries:
        raise UnreadableFeed(
            "it is neither RSS, Atom, JSON Feed nor a news sitemap; check its address"
        )
    language = parsed.feed.get("language") or ""
    return [_entry(entry, language) for entry in parsed.entries[:max_items]]


def _entry(entry: Mapping[str, Any], language: str) -> SourceItem:
    categories = [tag.get("label") or tag.get("term") or "" for tag in entry.get("tags") or ()]
    detail = entry.get("title_detail") or {}
    return SourceItem(
        link=entry.get("feedburner_origlink") or entry.get("link") or "",
        title=_plain(detail),
        guid=entry.get("id") or "",
        section=categories[0] if categories else "",
        tags=tuple(categories[1:]),
        authors=tuple(filter(None, map(_author, entry.get("authors") or ()))),
        language=entry.get("language") or detail.get("language") or language,
        image=_image(entry),
        published_at=_time(entry.get("published_parsed") or entry.get("updated_parsed")),
    )


def _plain(detail: Mapping[str, Any]) -> str:
    value = str(detail.get("value") or "")
    return value if detail.get("type") == "text/plain" else text_of_html(value)


def _author(author: Mapping[str, Any]) -> str:
    """Return the name of an author, empty if the feed has only an e-mail address."""
    name = str(author.get("name") or "")
    # feedparser knows top-level domains of four letters, and takes the rest of others for a name.
    is_rest = author.get("email") and re.fullmatch("[a-z]+", name)
    return "" if is_rest or re.fullmatch(r"\S+@\S+", name) else name


def _image(entry: Mapping[str, Any]) -> str:
    """Return the widest image of Media RSS, else an enclosure, else a thumbnail."""
    media = [
        each
        for each in entry.get("media_content") or ()
        if each.get("medium") == "image" or str(each.get("type")).startswith("image/")
    ]
    enclosures = [
        each
        for each in entry.get("links") or ()
        if each.get("rel") == "enclosure" and str(each.get("type")).startswith("image/")
    ]
    for images, name in (
        (sorted(media, key=_width, reverse=True), "url"),
        (enclosures, "href"),
        (entry.get("media_thumbnail") or (), "url"),
        ([entry.get("image") or {}], "href"),
    ):
        for image in images:
            if image.get(name):
                return str(image[name])
    return ""


def _width(image: Mapping[str, Any]) -> int:
    width = str(image.get("width"))
    return int(width) if re.fullmatch(r"[0-9]{1,6}", width) else 0


def _time(parsed: Any) -> datetime | None:
    try:
        return datetime.fromtimestamp(calendar.timegm(parsed), UTC) if parsed else None
    except (ValueError, OverflowError, OSError):
        return None


def _json_feed(content: bytes, url: str, max_items: int) -> list[SourceItem]:
    """Return the items of JSON Feed; fields of another type than its own are unknown."""
    try:
        # json accepts half a surrogate pair, which msgspec refuses with the whole feed.
        value = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise UnreadableFeed(f"it is not JSON Feed: {error}") from error
    feed: dict[str, Any] = value if isinstance(value, dict) else {}
    version, language = _text(feed.get("version")), _text(feed.get("language"))
    if not version.startswith(_JSON_FEED):
        raise UnreadableFeed(f"it is not JSON Feed; its version is {version[:80]!r}")
    items = feed.get("items")
    listed = items[:max_items] if isinstance(items, list) else []
    return [_json_item(each, url, language) for each in listed]


def _json_item(value: object, base: str, language: str) -> SourceItem:
    item: dict[str, Any] = value if isinstance(value, dict) else {}
    authors = [*_objects(item.get("authors")), *_objects([item.get("author")])]
    tags = item.get("tags")
    return SourceItem(
        link=_join(base, _text(item.get("url"))),
        title=_text(item.get("title")),
        guid=_text(item.get("id")),
        tags=tuple(map(_text, tags)) if isinstance(tags, list) else (),
        authors=tuple(_text(author.get("name")) for author in authors),
        language=_text(item.get("language")) or language,
        image=_join(base, _text(item.get("image")) or _text(item.get("banner_image"))),
        published_at=_iso_time(_text(item.get("date_published"))),
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _objects(value: object) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _join(base: str, url: str) -> str:
    try:
        return urljoin(base, url.strip()) if url else ""
    except ValueError:
        return ""


def _iso_time(text: str) -> datetime | None:
    """Return a time of W3C's profile of ISO 8601; without a zone it is in UTC."""
    try:
        time = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _parse_xml(content: bytes) -> Element:
    try:
        root: Element = fromstring(content)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise UnreadableFeed(f"it is not well-formed XML: {error}") from error
    return root


def _news_sitemap(root: Element, max_items: int) -> list[SourceItem]:
    pages = _named(root, "url")[:max_items]
    items = [_page(page) for page in pages]
    if pages and not any(item.title for item in items):
        raise UnreadableFeed(
            "it is a sitemap without titles; use a news sitemap (news:title), or a feed"
        )
    return items


def _page(page: Element) -> SourceItem:
    news = page.find(f"{_NEWS}news")
    if news is None:
        news = Element("news")
    return SourceItem(
        link=_child(page, "loc"),
        title=(news.findtext(f"{_NEWS}title") or "").strip(),
        tags=tuple((news.findtext(f"{_NEWS}keywords") or "").split(",")),
        language=news.findtext(f"{_NEWS}publication/{_NEWS}language") or "",
        image=(page.findtext(f"{_IMAGE}image/{_IMAGE}loc") or "").strip(),
        published_at=_iso_time(news.findtext(f"{_NEWS}publication_date") or ""),
    )


def _sitemap_index(root: Element) -> tuple[str, ...]:
    """Return the addresses in an index, the latest first as far as it says."""
    entries = _named(root, "sitemap")
    entries.sort(key=lambda entry: _child(entry, "lastmod"), reverse=True)
    return tuple(filter(None, (_child(entry, "loc") for entry in entries)))


def _named(root: Element, name: str) -> list[Element]:
    """Return children by their local name: some sitemaps have no or another namespace."""
    return [each for each in root if _local(each) == name]


def _child(element: Element, name: str) -> str:
    texts: Iterable[str] = (each.text or "" for each in element if _local(each) == name)
    return next(iter(texts), "").strip()


def _local(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]
