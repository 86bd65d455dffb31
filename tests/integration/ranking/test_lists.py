"""Lists over ClickHouse: articles, their order and their counts."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.ranking import FIRST, NOW, SECOND, STRANGE, Counted, Service, Site, ago


async def test_list_has_documented_fields(site: Site, counted: Counted) -> None:
    counted.article(
        "news/1",
        title="⚡ Қазақстан",
        url="https://news.example/1",
        section="Қала",
        language="kk",
        image="https://news.example/1.jpg",
        authors=["Айгерим Садыкова"],
        tags=["метро", "қала"],
        published_at=ago(hours=2),
    )
    counted.event("news/1", ago(hours=1), views=7, comments=1, likes=2)
    counted.event("news/1", None, views=100)
    counted.write()
    counted.progress(ago(seconds=2), 0, 1, FIRST)
    assert await site.most_read() == {
        "site": counted.site,
        "window": {
            "name": "24h",
            "start": "2026-11-22T14:04:00.000Z",
            "end": "2026-11-23T14:04:00.000Z",
        },
        "by": "views",
        "compare": None,
        "not_compared": None,
        "as_of": "2026-11-23T14:03:03.000Z",
        "stale": False,
        "undescribed": 0,
        "items": [
            {
                "rank": 1,
                "previous_rank": 1,
                "article_id": "news/1",
                "title": "⚡ Қазақстан",
                "url": "https://news.example/1",
                "section": "Қала",
                "language": "kk",
                "published_at": "2026-11-23T12:03:05.000Z",
                "image": "https://news.example/1.jpg",
                "authors": ["Айгерим Садыкова"],
                "tags": ["метро", "қала"],
                "pinned": None,
                "described": True,
                "window": {"views": 7, "comments": 1, "likes": 2},
                "total": {"views": 107, "comments": 1, "likes": 2},
                "compared": None,
                "score": 18.0,
                "integrity": None,
            }
        ],
    }


async def test_list_is_ordered_by_window_and_includes_totals(site: Site, counted: Counted) -> None:
    for article_id, in_window, late in (("a", 3, 0), ("b", 2, 50), ("c", 1, 99)):
        counted.event(article_id, ago(hours=3), views=in_window)
        counted.event(article_id, None, views=late)
    counted.write()
    items = (await site.most_read())["items"]
    assert [(item["article_id"], item["total"]["views"]) for item in items] == [
        ("a", 3),
        ("b", 52),
        ("c", 100),
    ]
    assert await site.ids(window="all") == ["c", "b", "a"]


async def test_window_contains_exactly_its_minutes(site: Site, counted: Counted) -> None:
    # One article per minute at each edge, so that a failure names the minute.
    lengths = {"1h": 60, "6h": 360, "24h": 1440, "7d": 10_080, "30d": 43_200}
    this_minute = NOW.replace(second=0)
    for name, minutes in lengths.items():
        counted.event(f"first of {name}", this_minute - timedelta(minutes=minutes - 1), views=1)
        counted.event(f"before {name}", this_minute - timedelta(minutes=minutes), views=1)
    counted.event("now", this_minute, views=1)
    counted.event("next minute", this_minute + timedelta(minutes=1), views=1)
    counted.write()
    inside = {"now"}
    for name in lengths:
        assert set(await site.ids(window=name, limit=100)) == inside | {f"first of {name}"}
        inside |= {f"first of {name}", f"before {name}"}


@pytest.mark.parametrize(
    ("tz", "start"),
    [
        ("UTC", datetime(2026, 11, 23, tzinfo=UTC)),
        ("Asia/Almaty", datetime(2026, 11, 22, 19, tzinfo=UTC)),
        ("Asia/Kathmandu", datetime(2026, 11, 22, 18, 15, tzinfo=UTC)),
        ("America/St_Johns", datetime(2026, 11, 23, 3, 30, tzinfo=UTC)),
    ],
)
async def test_calendar_windows_follow_time_zone(
    site: Site, counted: Counted, tz: str, start: datetime
) -> None:
    counted.event("last of yesterday", start - timedelta(seconds=1), views=1)
    counted.event("first of today", start, views=1)
    counted.event("first of yesterday", start - timedelta(hours=24), views=1)
    counted.event("the day before", start - timedelta(hours=24, seconds=1), views=1)
    counted.write()
    assert await site.ids(window="today", tz=tz) == ["first of today"]
    assert set(await site.ids(window="yesterday", tz=tz)) == {
        "first of yesterday",
        "last of yesterday",
    }


async def test_counts_are_summed_over_minutes_topics_and_partitions(
    site: Site, counted: Counted
) -> None:
    for minutes in (1, 2, 50, 61, 300):
        counted.event("a", ago(minutes=minutes), views=1)
    counted.event("a", ago(minutes=1), views=10, topic=SECOND, partition=3)
    counted.event("a", ago(minutes=1), views=100, partition=4)
    counted.write()
    assert await site.views(window="1h") == {"a": 113}
    assert await site.views(window="6h") == {"a": 115}
    assert await site.views(window="24h") == {"a": 115}
    assert await site.views(window="all") == {"a": 115}


async def test_list_is_ordered_by_requested_measure(site: Site, counted: Counted) -> None:
    counted.event("viewed", ago(minutes=5), views=12)
    counted.event("commented", ago(minutes=5), views=1, comments=2)
    counted.event("liked", ago(minutes=5), views=1, likes=4)
    counted.event("taken back", ago(minutes=5), likes=-1)
    counted.write()
    assert await site.ids(by="views") == ["viewed", "commented", "liked"]
    assert await site.ids(by="comments") == ["commented"]
    assert await site.ids(by="likes") == ["liked"]
    items = (await site.most_read(by="score"))["items"]
    assert [(item["article_id"], item["score"]) for item in items] == [
        ("liked", 13.0),
        ("viewed", 12.0),
        ("commented", 11.0),
    ]


async def test_ties_are_broken_by_views_publication_and_id(site: Site, counted: Counted) -> None:
    for article_id in ("e", "d", "c", "b", "a"):
        counted.event(article_id, ago(minutes=5), likes=1, views=2 if article_id == "c" else 1)
    counted.article("d", published_at=ago(hours=1))
    counted.article("e", published_at=ago(hours=2))
    counted.write()
    expected = ["c", "d", "e", "a", "b"]
    assert await site.ids(by="likes") == expected
    pages = [await site.ids(by="likes", limit=2, offset=offset) for offset in (0, 2, 4, 6)]
    assert pages == [["c", "d"], ["e", "a"], ["b"], []]


async def test_hidden_and_deleted_articles_are_not_listed(site: Site, counted: Counted) -> None:
    for article_id in ("hidden", "deleted", "plain"):
        counted.event(article_id, ago(minutes=5), views=1)
    counted.article("hidden", hidden=True)
    counted.article("deleted", url="https://news.example/d", hidden=True, pinned=1)
    counted.article("deleted", deleted=True, hidden=True, pinned=1, version=2)
    counted.write()
    items = (await site.most_read())["items"]
    assert [(item["title"], item["url"], item["pinned"]) for item in items] == [
        ("plain", None, None),
    ]


async def test_pinned_articles_have_their_rank_on_every_page(site: Site, counted: Counted) -> None:
    for number, article_id in enumerate("abcd"):
        counted.event(article_id, ago(minutes=5), views=10 - number)
    counted.article("d", pinned=2)
    counted.article("unread", pinned=4)
    counted.article("unread and hidden", pinned=1, hidden=True)
    counted.write()
    items = (await site.most_read())["items"]
    assert [(i["rank"], i["article_id"], i["pinned"]) for i in items] == [
        (1, "a", None),
        (2, "d", 2),
        (3, "b", None),
        (4, "unread", 4),
        (5, "c", None),
    ]
    pages = [await site.ids(limit=2, offset=offset) for offset in (0, 2, 4)]
    assert pages == [["a", "d"], ["b", "unread"], ["c"]]


async def test_filters_by_section_language_and_age(site: Site, counted: Counted) -> None:
    described: dict[str, dict[str, Any]] = {
        "a": {"section": "Спорт", "language": "kk", "published_at": ago(hours=1)},
        "b": {"section": "Спорт", "language": "kk-Cyrl", "published_at": ago(days=3)},
        "c": {"section": "Спорт'", "language": "kkj"},
        "d": {},
    }
    for number, (article_id, columns) in enumerate(described.items()):
        counted.event(article_id, ago(minutes=5), views=10 - number)
        counted.article(article_id, **columns)
    counted.event("undescribed", ago(minutes=5), views=1)
    counted.write()
    assert await site.ids(section="Спорт") == ["a", "b"]
    assert await site.ids(section="Спорт'") == ["c"]
    assert await site.ids(language="KK") == ["a", "b"]
    assert await site.ids(language="kk-cyrl") == ["b"]
    assert await site.ids(section=["Спорт", "Спорт'"]) == ["a", "b", "c"]
    assert await site.ids(language=["kkj", "KK-CYRL"]) == ["b", "c"]
    assert await site.ids(section=["Спорт", "Спорт'"], language=["kkj", "ru"]) == ["c"]
    assert await site.ids(published_within="6h") == ["a"]
    assert await site.ids(published_within="4d") == ["a", "b"]


async def test_excluded_articles_leave_no_gap(site: Site, counted: Counted) -> None:
    for number, article_id in enumerate("abcdef"):
        counted.event(article_id, ago(hours=2), views=10 - number)
    counted.article("d", pinned=2)
    counted.write()
    assert await site.ids() == ["a", "d", "b", "c", "e", "f"]
    body = await site.most_read(exclude=["a", "unknown"], limit=3)
    assert [(i["rank"], i["previous_rank"], i["article_id"]) for i in body["items"]] == [
        (1, 1, "b"),
        (2, None, "d"),
        (3, 3, "c"),
    ]
    assert await site.ids(exclude=["a", "d"], limit=2, offset=1) == ["c", "e"]
    assert await site.ids(exclude=[*"abcdef"]) == []
    for path in ("/v1/most-read.html", "/feed.json"):
        answer = await site.service.get(path, params={"site": site.name, "exclude": "d"})
        assert (answer.status, "Title of d" in await answer.text()) == (200, False)


async def test_lists_contain_one_site_only(service: Service, counted: Counted) -> None:
    counted.event("a", ago(minutes=5), views=1)
    counted.write()
    assert await Site(service, counted.site + ".other").ids() == []


async def test_list_accepts_unusual_ids(site: Site, counted: Counted) -> None:
    for article_id in STRANGE:
        counted.event(article_id, ago(minutes=5), views=1)
        counted.article(article_id, title=f"<i>{article_id}")
    counted.write()
    items = (await site.most_read(limit=100))["items"]
    assert {item["article_id"]: (item["title"], item["total"]["views"]) for item in items} == {
        article_id: (f"<i>{article_id}", 1) for article_id in STRANGE
    }


async def test_list_of_hundred_long_ids_is_returned(site: Site, counted: Counted) -> None:
    for number in range(100):
        counted.event("🐫" * 125 + f"{number:03}", ago(minutes=5), views=1)
    counted.write()
    items = (await site.most_read(limit=100))["items"]
    assert len(items) == 100
    assert all(item["total"]["views"] == 1 for item in items)


async def test_article_from_before_1970_is_listed(counted: Counted, site: Site) -> None:
    counted.article("archive", published_at=datetime(1956, 3, 1, tzinfo=UTC))
    counted.event("archive", ago(minutes=10), views=9)
    counted.write()
    assert await site.views() == {"archive": 9}
