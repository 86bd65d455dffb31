"""Descriptions of the items of feeds."""

import json
from datetime import UTC, datetime

import pytest

from mostread.collector.api.payloads import Ids, decode_article
from mostread.infra.schemas import DIRECTORY
from mostread.ops.articles.item import (
    Hosts,
    SkippedItem,
    SourceItem,
    clean_text,
    describe,
    page_address,
    text_of_html,
)

HOSTS = Hosts(["https://www.news.example/feed.xml"], ["cdn.example"])
LINK = "https://news.example/2026/11/lamps"


def test_description_has_the_id_of_the_tracker_and_all_fields() -> None:
    item = SourceItem(
        link=f"{LINK}?utm_source=rss&page=2#top",
        title=" Street\n lamps ",
        section="City",
        tags=("Light", "light", " ", "Night"),
        authors=("Ә. Нұрлан", "A. Smith"),
        language="en_GB",
        image="https://img.example/a.jpg",
        published_at=datetime(2026, 11, 23, 4, 30, tzinfo=UTC),
    )
    description = describe(item, "news", HOSTS)
    assert description == {
        "article_id": "/2026/11/lamps?page=2",
        "site": "news",
        "title": "Street lamps",
        "url": f"{LINK}?page=2",
        "section": "City",
        "language": "en-GB",
        "published_at": "2026-11-23T04:30:00.000+00:00",
        "image": "https://img.example/a.jpg",
        "authors": ["Ә. Нұрлан", "A. Smith"],
        "tags": ["Light", "Night"],
    }
    assert decode_article(json.dumps(description).encode(), Ids()).site == "news"


def test_invalid_fields_are_left_out_or_shortened() -> None:
    item = SourceItem(
        link=LINK,
        title="t" * 600,
        section="s" * 101,
        tags=tuple(f"{n}{'t' * 70}" for n in range(30)),
        authors=tuple(f"author {n}" for n in range(12)),
        language="the English language",
        image="/relative.jpg",
        published_at=datetime(1955, 1, 1, tzinfo=UTC),
    )
    description = describe(item, "news", HOSTS)
    decode_article(json.dumps(description).encode(), Ids())
    assert description["title"] == "t" * 499 + "…"
    assert len(description["section"]) == 100
    assert (len(description["tags"]), len(description["authors"])) == (20, 10)
    assert description.keys() & {"language", "image", "published_at"} == set()


@pytest.mark.parametrize(
    ("link", "title", "reason"),
    [
        ("", "A", "no_link"),
        (LINK, " \x00\t", "no_title"),
        (LINK, "\u200b\u202e", "no_title"),
        ("https://advertiser.example/", "A", "other_host"),
        ("https://news.example.evil.example/", "A", "other_host"),
        ("javascript:alert(1)", "A", "other_host"),
        ("//news.example/a", "A", "other_host"),
        ("https://[news.example/", "A", "other_host"),
        (r"https://evil.example\@news.example/a", "A", "other_host"),
        (r"https://news.example\.evil.example/a", "A", "other_host"),
        ("https://paypal.com@news.example/a", "A", "other_host"),
        ("https://:key@news.example/a", "A", "other_host"),
        ("https://news.example/a%E2%80%AEb", "A", "invalid_id"),
    ],
)
def test_item_that_describes_no_article_is_skipped(link: str, title: str, reason: str) -> None:
    with pytest.raises(SkippedItem, match=reason):
        describe(SourceItem(link, title), "news", HOSTS)


@pytest.mark.parametrize(
    "link", ["http://news.example/a", "https://WWW.NEWS.example:8443/a", "https://cdn.example/a"]
)
def test_link_of_a_named_host_is_an_article(link: str) -> None:
    assert describe(SourceItem(link, "A"), "news", HOSTS)["article_id"] == "/a"


def test_ids_of_links_follow_the_table_of_all_implementations() -> None:
    cases = json.loads((DIRECTORY / "examples/article_ids.json").read_text())
    links = [case for case in cases if HOSTS.allow(case.get("url", ""))]
    assert len(links) > 50
    for case in links:
        if case["id"] is None:
            with pytest.raises(SkippedItem, match="invalid_id"):
                describe(SourceItem(case["url"], "A"), "news", HOSTS)
        else:
            assert describe(SourceItem(case["url"], "A"), "news", HOSTS)["article_id"] == case["id"]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://n/a?utm_source=x&b=1&fbclid=2#c", "https://n/a?b=1"),
        ("https://n/a?utm_source=x", "https://n/a"),
        ("https://n/a?utm%5Fsource=x&b", "https://n/a?b"),
        ("https://n/a?b=%2F&c", "https://n/a?b=%2F&c"),
        ("https://n/", "https://n/"),
    ],
)
def test_campaign_parameters_leave_an_address(url: str, expected: str) -> None:
    assert page_address(url) == expected


def test_text_is_one_line_without_controls() -> None:
    assert clean_text(" a\x00\x85b\u2028 c\n\nd ", 10) == "ab c d"
    assert clean_text("a\u202eb", 10) == "ab"
    assert clean_text("abcdef", 6) == "abcdef"
    assert clean_text("abc efg", 5) == "abc…"


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("A &amp; B", "A & B"),
        ("<b>A</b> &lt;3 <img src=x onerror=alert(1)>", "A <3 "),
        ("1 < 2", "1 < 2"),
        ("&unknown; &#x1F40E;", "&unknown; 🐎"),
        ("<b", "<b"),
        ("A<![foo[ B", "A<![foo[ B"),
        ("A<!--<b>x>-->B<![CDATA[C]]>", "AB"),
        ("<img alt='1 > 0' title=\"it's\">A", "A"),
        ("it's 1 <b>O'Neill</b>", "it's 1 O'Neill"),
        ("<b>" * 10_000 + "A", "<"),
    ],
)
def test_markup_becomes_text(markup: str, text: str) -> None:
    assert text_of_html(markup) == text
