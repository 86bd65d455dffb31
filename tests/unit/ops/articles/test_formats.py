"""Reading documents of feeds, whole, broken and hostile."""

import gzip
import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from mostread.ops.articles.formats import Document, UnreadableFeed, read_document
from mostread.ops.articles.item import Hosts, SourceItem, describe

URL = "https://news.example/feed"
MAX_BYTES = 1 << 20
MAX_ITEMS = 5
PUBLISHED = datetime(2026, 11, 23, 4, 30, tzinfo=UTC)
WHOLE = SourceItem(
    link="https://news.example/lamps",
    title="A & B <1>",
    guid="4711",
    section="City",
    tags=("light",),
    authors=("Ә. Нұрлан", "A. Smith"),
    language="kk",
    image="https://img.example/wide.jpg",
    published_at=PUBLISHED,
)

RSS = """<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:media="http://search.yahoo.com/mrss/"
  xmlns:dc="http://purl.org/dc/elements/1.1/"><channel><title>News</title><language>kk</language>
<item><title>A &amp;amp; &lt;b&gt;B&lt;/b&gt; &amp;lt;1&amp;gt;</title><link>/lamps</link>
<guid isPermaLink="false">4711</guid><dc:creator>Ә. Нұрлан</dc:creator>
<dc:creator>A. Smith</dc:creator><author>desk@news.example</author>
<category>City</category><category>light</category>
<pubDate>Mon, 23 Nov 2026 09:30:00 +0500</pubDate>
<media:group><media:content url="https://img.example/small.jpg" width="90" medium="image"/>
<media:content url="https://img.example/wide.jpg" width="1200" type="image/jpeg"/>
<media:content url="https://img.example/film.mp4" width="1920" type="video/mp4"/></media:group>
<enclosure url="https://img.example/enclosure.jpg" type="image/jpeg" length="1"/>
</item></channel></rss>"""

ATOM = """<?xml version="1.0"?>
<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="kk"><title>News</title>
<entry><title type="html">A &amp;amp; &lt;i>B&lt;/i> &amp;lt;1&amp;gt;</title>
<link rel="alternate" href="https://news.example/lamps"/><id>urn:4711</id>
<link rel="enclosure" href="https://img.example/film.mp4" type="video/mp4"/>
<link rel="enclosure" href="https://img.example/wide.jpg" type="image/jpeg"/>
<author><name>Ә. Нұрлан</name></author><author><name>A. Smith</name></author>
<category term="city" label="City"/><category term="light"/>
<published>2026-11-23T09:30:00+05:00</published><updated>2026-11-24T00:00:00Z</updated></entry>
</feed>"""

JSON_FEED = {
    "version": "https://jsonfeed.org/version/1.1",
    "title": "News",
    "language": "kk",
    "items": [
        {
            "id": "4711",
            "url": "/lamps",
            "title": "A & B <1>",
            "image": "https://img.example/wide.jpg",
            "banner_image": "https://img.example/banner.jpg",
            "authors": [{"name": "Ә. Нұрлан"}, {"name": "A. Smith"}],
            "tags": ["City", "light"],
            "date_published": "2026-11-23T09:30:00+05:00",
        }
    ],
}

SITEMAP = """<?xml version="1.0" encoding="UTF-8"?>
<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"
  xmlns:news="http://www.google.com/schemas/sitemap-news/0.9"
  xmlns:image="http://www.google.com/schemas/sitemap-image/1.1">
<url><loc> https://news.example/lamps </loc><news:news>
<news:publication><news:name>News</news:name><news:language>kk</news:language></news:publication>
<news:publication_date>2026-11-23T09:30:00+05:00</news:publication_date>
<news:title>A &amp; B &lt;1></news:title><news:keywords>City,light</news:keywords></news:news>
<image:image><image:loc>https://img.example/wide.jpg</image:loc></image:image></url>
<url><loc>https://news.example/about</loc></url></urlset>"""


def read(text: str | bytes, content_type: str = "") -> Document:
    content = text if isinstance(text, bytes) else text.encode()
    return read_document(content, URL, content_type, MAX_BYTES, MAX_ITEMS)


def first(text: str | bytes, content_type: str = "") -> SourceItem:
    return read(text, content_type).items[0]


def test_rss_gives_all_fields() -> None:
    assert first(RSS) == WHOLE


def test_atom_gives_all_fields() -> None:
    assert first(ATOM) == replace(WHOLE, guid="urn:4711")


def test_json_feed_gives_all_fields_but_a_section() -> None:
    item = first(json.dumps(JSON_FEED))
    assert item == replace(WHOLE, section="", tags=("City", "light"))


def test_news_sitemap_gives_all_fields_but_section_and_authors() -> None:
    expected = replace(WHOLE, section="", tags=("City", "light"), authors=(), guid="")
    assert first(SITEMAP) == expected
    assert read(SITEMAP).items[1].title == ""


@pytest.mark.parametrize(
    ("text", "content_type"),
    [
        (gzip.compress(RSS.encode()), "application/x-gzip"),
        (b"\xef\xbb\xbf" + RSS.encode(), "text/html"),
        (RSS.replace("UTF-8", "UTF-16").encode("utf-16"), ""),
        ("\n " + RSS, "text/plain"),
        (RSS, "application/rss+xml; charset=utf-8"),
    ],
    ids=["gzip", "byte-order-mark", "utf-16", "blank-first", "charset"],
)
def test_encodings_and_types_of_feeds_make_no_difference(text: bytes, content_type: str) -> None:
    assert first(text, content_type) == WHOLE


def test_feed_in_windows_1251_is_decoded() -> None:
    text = RSS.replace("UTF-8", "windows-1251").replace("Ә. Нұрлан", "Айгерим")
    assert first(text.encode("cp1251")).authors == ("Айгерим", "A. Smith")


def test_rss_that_ends_early_gives_the_items_before() -> None:
    second = "<item><title>B</title><link>https://news.example/b</link></item>"
    text = RSS.replace("</channel></rss>", second + "<item><title>C & D")
    assert [item.title for item in read(text).items][:2] == ["A & B <1>", "B"]


def test_permanent_guid_is_the_link_and_updates_date_an_entry() -> None:
    text = (
        '<rss version="2.0"><channel><item><title>A</title>'
        "<guid>https://news.example/a</guid></item></channel></rss>"
    )
    assert first(text).link == "https://news.example/a"
    atom = ATOM.replace("<published>2026-11-23T09:30:00+05:00</published>", "")
    assert first(atom).published_at == datetime(2026, 11, 24, tzinfo=UTC)


def test_fields_of_other_types_in_json_feed_cost_only_themselves() -> None:
    odd: dict[str, object] = dict.fromkeys(("url", "title", "image", "authors", "tags"), 7)
    feed = {**JSON_FEED, "items": [odd, 7, None, {"url": "https://[bad"}, *JSON_FEED["items"]]}
    items = read(json.dumps(feed)).items
    assert [item.title for item in items] == ["", "", "", "", "A & B <1>"]
    assert items[0].link == items[3].link == ""


def test_half_a_surrogate_pair_in_json_feed_costs_only_its_field() -> None:
    broken = {"url": "/a", "title": "A \ud83d"}
    items = read(json.dumps({**JSON_FEED, "items": [broken, *JSON_FEED["items"]]})).items
    assert [describe(item, "news", Hosts([URL]))["title"] for item in items] == ["A", "A & B <1>"]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_news_sitemap_in_utf_16_is_read(encoding: str) -> None:
    text = "\ufeff" + SITEMAP.replace('encoding="UTF-8"', 'encoding="UTF-16"')
    assert first(text.encode(encoding)).title == first(SITEMAP).title


def test_declaration_in_the_title_of_a_feed_is_no_text() -> None:
    assert first(ATOM.replace("&lt;i>B", "&lt;![foo[>B")).title == "A & B <1>"


@pytest.mark.parametrize(
    ("text", "item"),
    [
        (RSS, RSS[RSS.index("<item>") : RSS.index("</channel>")]),
        (SITEMAP, SITEMAP[SITEMAP.index("<url>") : SITEMAP.index("</urlset>")]),
        (json.dumps({**JSON_FEED, "items": [{"title": "1"}]}), '{"title": "1"}'),
    ],
    ids=["rss", "sitemap", "json"],
)
def test_first_items_of_a_long_feed_are_read(text: str, item: str) -> None:
    separator = ", " if text.startswith("{") else ""
    assert len(read(text.replace(item, separator.join([item] * 9))).items) == MAX_ITEMS


def test_index_of_sitemaps_lists_them_latest_first() -> None:
    index = (
        '<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">'
        "<sitemap><loc>https://n/1</loc><lastmod>2026-11-01</lastmod></sitemap>"
        "<sitemap><loc>https://n/2</loc></sitemap><sitemap/>"
        "<sitemap><loc>https://n/3</loc><lastmod>2026-11-23T00:00:00Z</lastmod></sitemap>"
        "</sitemapindex>"
    )
    assert read(index) == Document([], ("https://n/3", "https://n/1", "https://n/2"))


LAUGHS = '<!ENTITY l0 "ha">' + "".join(
    f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10)
)
DOCTYPE = f"<!DOCTYPE x [{LAUGHS}<!ENTITY file SYSTEM 'file:///etc/passwd'>]>"


def test_entities_of_a_feed_are_not_expanded() -> None:
    head, _, tail = RSS.partition("\n")
    text = f"{head}{DOCTYPE}{tail}".replace("<category>City", "<category>&l9;&file;")
    item = first(text)
    assert len(item.section) < 100
    assert "root" not in item.section


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "neither RSS"),
        ("<!doctype html><html><title>Not found</title></html>", "neither RSS"),
        ("just text", "neither RSS"),
        ('{"version": "2", "items": []}', "its version is '2'"),
        ('{"title": "x"}', "not JSON Feed"),
        ("{", "not JSON Feed"),
        ("{" * 100_000, "not JSON Feed"),
        ("<urlset><url>", "not well-formed"),
        (f"{DOCTYPE}<urlset><url><loc>&l9;</loc></url></urlset>", "not well-formed"),
        ("<urlset><url><loc>https://n/</loc></url></urlset>", "without titles"),
        (gzip.compress(b"x")[:-4], "not a complete gzip"),
        (gzip.compress(b" " * (MAX_BYTES + 1)), "more than 1048576 bytes"),
    ],
    ids=[
        "empty",
        "html",
        "text",
        "json-version",
        "json-other",
        "json-broken",
        "json-deep",
        "xml-broken",
        "xml-entities",
        "plain-sitemap",
        "gzip-broken",
        "gzip-bomb",
    ],
)
def test_other_documents_are_refused_with_the_reason(text: str | bytes, message: str) -> None:
    with pytest.raises(UnreadableFeed, match=message):
        read(text)
