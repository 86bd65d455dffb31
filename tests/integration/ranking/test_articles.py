"""The API of one article, over ClickHouse."""

from urllib.parse import quote

from yarl import URL

from tests.support.ranking import FIRST, STRANGE, Counted, Service, ago


async def test_article_returns_metadata_and_counts(service: Service, counted: Counted) -> None:
    counted.article(
        "news/1",
        title="A",
        language="kk",
        published_at=ago(hours=30),
        image="https://i.example/",
        authors=["Ә. Нұрлан"],
        tags=["a", "b"],
    )
    counted.event("news/1", ago(minutes=5), views=1)
    counted.event("news/1", ago(hours=3), views=2, likes=1)
    counted.event("news/1", ago(days=2), views=4)
    counted.event("news/1", None, views=8)
    counted.write()
    counted.progress(ago(seconds=2), 0, 1, FIRST)
    answer = await service.get(f"/v1/articles/news%2F1?site={counted.site}")
    assert await answer.json() == {
        "site": counted.site,
        "article_id": "news/1",
        "title": "A",
        "url": None,
        "section": None,
        "language": "kk",
        "published_at": "2026-11-22T08:03:05.000Z",
        "image": "https://i.example/",
        "authors": ["Ә. Нұрлан"],
        "tags": ["a", "b"],
        "former_ids": [],
        "described": True,
        "pinned": None,
        "total": {"views": 15, "comments": 0, "likes": 1},
        "windows": {
            "1h": {"views": 1, "comments": 0, "likes": 0},
            "24h": {"views": 3, "comments": 0, "likes": 1},
            "7d": {"views": 7, "comments": 0, "likes": 1},
        },
        "integrity": None,
        "as_of": "2026-11-23T14:03:03.000Z",
        "stale": False,
    }


async def test_article_accepts_any_id(service: Service, counted: Counted) -> None:
    # Clients resolve two dots as a path segment.
    for article_id in set(STRANGE) - {".."}:
        counted.article(article_id)
        path = f"/v1/articles/{quote(article_id, safe='')}?site={counted.site}"
        answer = await service.get(URL(path, encoded=True))
        assert answer.status == 200
        assert (await answer.json())["article_id"] == article_id


async def test_article_without_metadata_has_counts(service: Service, counted: Counted) -> None:
    counted.event("a", ago(days=300), likes=1)
    counted.write()
    answer = await (await service.get(f"/v1/articles/a?site={counted.site}")).json()
    assert (answer["title"], answer["described"], answer["total"]["likes"]) == ("a", False, 1)


async def test_unknown_article_returns_404(service: Service, counted: Counted) -> None:
    answer = await service.get(f"/v1/articles/nobody?site={counted.site}")
    assert answer.status == 404
    assert (await answer.json())["type"] == "urn:mostread:problem:unknown-article"


async def test_invalid_article_id_is_rejected(service: Service) -> None:
    for path in ("%FF", "a%00", "a" * 129, "a?limit=3"):
        answer = await service.get(URL(f"/v1/articles/{path}", encoded=True))
        assert answer.status == 400
        assert (await answer.json())["type"] == "urn:mostread:problem:bad-parameter"
