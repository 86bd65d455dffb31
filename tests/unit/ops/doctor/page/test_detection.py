"""The article of a page, as the tracker finds it."""

import pytest

from mostread.core.article_ids import InvalidArticleId
from mostread.ops.doctor.page.detection import article_of
from mostread.ops.doctor.page.document import parse

URL = "https://news.example/here?utm_source=x&page=2"
OG = '<meta property="og:type" content="Article">'
TAG = '<script async src="https://collect.example/tracker.js"></script>'


def id_on(html: str) -> str | None:
    document = parse(URL, html)
    (tag,) = document.tags
    return article_of(document, tag).id


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        (TAG + OG, "/here"),
        (
            TAG + OG + '<link rel="alternate Canonical" href="/2026/a?utm_source=x&amp;id=5#b">',
            "/2026/a?id=5",
        ),
        (
            TAG
            + OG
            + '<base href="/app/"><link rel=canonical href="a"><link rel=canonical href="b">',
            "/app/a",
        ),
        (TAG + OG + '<meta property="og:url" content="https://m.example/og">', "/og"),
        (TAG + OG + '<meta property="og:url" content="/og"><link rel=canonical href="/c">', "/c"),
        (TAG + OG + '<link rel=canonical href="https://">', "/here"),
        (TAG + OG + '<link rel=canonical href="http://[::1">', "/here"),
        (TAG + OG + '<link rel=canonical href=" ">', "/here"),
        (TAG + OG + '<noscript><link rel=canonical href="/no"></noscript>', "/here"),
        (TAG + OG + '<![if IE]><![x[<link rel=canonical href="/commented"> ]]>', "/here"),
        (TAG + '<meta property="og:type" content="website">', None),
        (TAG + '<script type="application/ld+json">{"@type": "NewsArticle"}</script>', "/here"),
        (
            TAG
            + '<script type="application/ld+json">[{"@type": "A"}, {"@type": "Article"}]</script>',
            None,
        ),
        (TAG.replace("></", ' data-article=" lamps\n"></'), "lamps"),
        (TAG.replace("></", ' data-article=""></'), None),
        (TAG.replace("></", ' data-article="undefined"></') + OG, None),
        (TAG.replace(".js", ".js?article=by%20address"), "by address"),
        (TAG.replace(".js", ".full.js?article=a").replace("></", ' data-article="b"></'), "b"),
        ('<script src="//collect.example/page.js" data-article="dull"></script>', "dull"),
    ],
    ids=lambda value: None,
)
def test_article_is_found_as_by_the_tracker(html: str, expected: str | None) -> None:
    assert id_on(html) == expected


def test_id_that_the_collector_refuses_is_an_error() -> None:
    with pytest.raises(InvalidArticleId, match=r"U\+000A"):
        id_on(TAG + OG + '<link rel=canonical href="/a%0Ab">')


def test_tag_in_noscript_is_inert() -> None:
    (tag,) = parse(URL, f"<noscript>{TAG}</noscript>").tags
    assert tag.is_inert
