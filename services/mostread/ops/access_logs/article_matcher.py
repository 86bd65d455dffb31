"""Which article a page is: what a regular expression finds in its address."""

import re
from collections.abc import Callable
from functools import lru_cache
from urllib.parse import unquote_to_bytes

import click

LONGEST = 128
_KEPT_TARGETS = 20_000

Finder = Callable[[str], str | None]
"""Takes path and query; returns the id of the article, None where it is no article's page.
Raises ValueError where it is one, and its id can't be one.
"""


class ArticleRegex(click.ParamType):
    """A regular expression with a group that holds the id of the article."""

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
            self.fail(f"{value!r} is no regular expression: {error}", param, ctx)
        if not regex.groups:
            self.fail(
                f"{value!r} says nowhere what the article's id is; put it in a group, as in "
                "'^/news/([^/?]+)'",
                param,
                ctx,
            )
        return regex


def finder(regex: re.Pattern[str]) -> Finder:
    """Return what finds articles by `regex`: its group `article`, or else its first."""
    group = regex.groupindex.get("article", 1)

    @lru_cache(maxsize=_KEPT_TARGETS)
    def find(target: str) -> str | None:
        found = regex.search(target)
        if found is None or not found[group]:
            return None
        return _decoded(found[group])

    return find


def _decoded(written: str) -> str:
    """Return an id that was percent-encoded for an address."""
    try:
        article = unquote_to_bytes(written.encode("utf-8", "surrogateescape")).decode()
    except UnicodeDecodeError as error:
        raise ValueError(f"the article's id is not UTF-8: {written[:LONGEST]!r}") from error
    if len(article) > LONGEST:
        raise ValueError(
            f"the article's id has more than {LONGEST} characters: {article[:40]!r}..."
        )
    if any(character < " " for character in article):
        raise ValueError(f"the article's id holds a control character: {article!r}")
    return article
