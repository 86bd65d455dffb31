"""Settings of `mostread articles`."""

import pytest
from pydantic import ValidationError

from mostread.ops.articles.config import ArticlesSettings, SourceFeed


def test_feeds_have_sites_and_names_without_their_query() -> None:
    text = "https://a.example/feed?key=secret, news=http://b.example/x=y\nhttps://c.example:8443/"
    feeds = ArticlesSettings(articles_feeds=text).feeds
    assert feeds == [
        SourceFeed("default", "https://a.example/feed?key=secret"),
        SourceFeed("news", "http://b.example/x=y"),
        SourceFeed("default", "https://c.example:8443/"),
    ]
    assert feeds[0].name == "https://a.example/feed"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("news.example/feed", "is not a feed; write https"),
        ("a b=https://n.example/", "'a' is not a feed"),
        ("a/b=https://n.example/", "is not a feed"),
        ("ftp://n.example/", "is not a feed"),
        ("https:///feed", "is not a feed|is not a URL"),
        ("https://n.example:x/", "is not a URL"),
        ("https://user:secret@n.example/", "may not contain a user"),
        ("https://n.example/ https://n.example/", "occurs twice"),
    ],
)
def test_invalid_feed_is_refused_without_its_secrets(text: str, message: str) -> None:
    with pytest.raises(ValidationError, match=message) as refused:
        ArticlesSettings(articles_feeds=text)
    assert "secret" not in str(refused.value)


def test_hosts_are_lower_case() -> None:
    assert ArticlesSettings(articles_hosts="A.example, b.example").hosts == [
        "a.example",
        "b.example",
    ]
