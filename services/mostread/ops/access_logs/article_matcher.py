"""Article ids in request targets, matched by a regular expression."""

import re
from collections.abc import Callable
from functools import lru_cache
from urllib.parse import unquote_to_bytes

import click

MAX_ID_LENGTH = 128
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
        return _decode_id(match[group])

    return match_article


def _decode_id(encoded: str) -> str:
    """Undo percent-encoding. Raises ValueError where the result is not an article id."""
    try:
        article = unquote_to_bytes(encoded.encode("utf-8", "surrogateescape")).decode()
    except UnicodeDecodeError as error:
        raise ValueError(f"the article id is not UTF-8: {encoded[:MAX_ID_LENGTH]!r}") from error
    if len(article) > MAX_ID_LENGTH:
        raise ValueError(
            f"the article id has more than {MAX_ID_LENGTH} characters: {article[:40]!r}..."
        )
    if any(character < " " for character in article):
        raise ValueError(f"the article id contains a control character: {article!r}")
    return article
