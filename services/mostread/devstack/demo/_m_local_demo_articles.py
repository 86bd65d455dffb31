"""The articles of the demo, as articles.json holds them."""

from pathlib import Path

import msgspec

SITE = "default"
HOUR_MS = 3_600_000


class Counts(msgspec.Struct, frozen=True):
    """Views, comments and likes."""

    views: int = 0
    comments: int = 0
    likes: int = 0


class Article(msgspec.Struct, frozen=True, kw_only=True):
    """What a CMS knows of an article."""

    article_id: str
    title: str
    url: str
    section: str
    language: str
    published_hours_before: int

    def description(self, at_ms: int) -> dict[str, str | int]:
        """Return the body that tells the collector about it in a demo loaded at `at_ms`."""
        return {
            "title": self.title,
            "url": self.url,
            "section": self.section,
            "language": self.language,
            "published_at": at_ms - self.published_hours_before * HOUR_MS,
        }


class CountedArticle(Article, frozen=True, kw_only=True):
    """An article whose numbers are known: `recent` of its `total` fall into the last day.

    `interest_halves_hours` says after how many hours half as many read it as before. Of one
    that is `pushed_by` somebody, so few visitors view it again and again.
    """

    total: Counts
    recent: Counts
    interest_halves_hours: float
    pushed_by: int = 0


class Articles(msgspec.Struct, frozen=True):
    """`counted` in the order of the list that they must give; `further` are read live."""

    counted: list[CountedArticle]
    further: list[Article]


def articles() -> Articles:
    """Read the articles of the demo."""
    return msgspec.json.decode(
        Path(__file__).with_name("articles.json").read_bytes(), type=Articles
    )
