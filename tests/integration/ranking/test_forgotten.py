"""Rows of zeros, which forgets leave, look like rows that do not exist."""

from tests.support.ranking import FIRST, Counted, Service, ago


async def test_forgotten_article_is_as_unknown_as_one_never_read(
    service: Service, counted: Counted
) -> None:
    counted.event("read", ago(minutes=5), views=3)
    counted.event("read", ago(hours=3), views=3)
    for when in (ago(minutes=5), ago(days=3), None):
        counted.event("forgotten", when, views=0)
    counted.write()
    counted.progress(ago(seconds=2), 0, 1, FIRST)
    site = counted.site
    assert (await service.get(f"/v1/articles/forgotten?site={site}")).status == 404
    assert (await service.get(f"/v1/articles/read?site={site}")).status == 200
    for order, articles in {"views": ["read"], "trending": []}.items():
        answer = await service.get(f"/v1/most-read?site={site}&by={order}")
        items = (await answer.json())["items"]
        assert [item["article_id"] for item in items] == articles
