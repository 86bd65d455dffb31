"""Article ids in request targets, matched by a regular expression.

The matched text becomes an id by the rule of `core.article_ids`, so that a regular expression for
whole paths gives the ids of the tracker.
"""

import re
from collections.abc import Callable
from functools import lru_cache

import click

from mostread.core import article_ids

_CACHED_TARGETS = 20_000

ArticleMatcher = Callable[[str], str | None]
"""Takes path and query; returns the article id, or None for a page that is not an article.
Raises ValueError for a page whose matched id is not a valid article id.
"""


class ArticleRegex(click.ParamType):
    """A regular expression with a group that holds the article id."""

    name = "regex"

    def convert(
        self,
        value: str | re.Pattern[str],
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> re.Pattern[str]:
        if isinstance(value, re.Pattern):
            return value
        try:
            regex = re.compile(value)
        except re.error as error:
            self.fail(f"{value!r} is not a regular expression: {error}", param, ctx)
        if not regex.groups:
            self.fail(
                f"{value!r} does not capture the article id; put it in a group, as in "
                "'^/news/([^/?]+)'",
                param,
                ctx,
            )
        return regex


def article_matcher(regex: re.Pattern[str]) -> ArticleMatcher:
    """Return a matcher for the group `article` of `regex`, or else its first group."""
    group = regex.groupindex.get("article", 1)

    @lru_cache(maxsize=_CACHED_TARGETS)
    def match_article(target: str) -> str | None:
        match = regex.search(target)
        if match is None or not match[group]:
            return None
        return _article_id(match[group])

    return match_article


def _article_id(matched: str) -> str:
    """Return the id of a part of an address. Raises ValueError where it is not a valid one."""
    if matched.startswith("/"):
        return article_ids.of_url(matched)
    return article_ids.clean(article_ids.of_url(f"/{matched}").removeprefix("/"))
