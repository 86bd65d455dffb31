"""The article of a page, by the rules of tracker.js."""

import re
from typing import NamedTuple
from urllib.parse import urlsplit

from mostread.core import article_ids
from mostread.ops.doctor.page.document import PageMetadata, Tag, absolute

_NO_ID = re.compile(r"(NaN|\[o.*|undefined|null)?")
_ARTICLE_TYPE = re.compile(r"\W*\w*(article|blogp)", re.IGNORECASE)


class DetectedArticle(NamedTuple):
    """The article of a tag, with None as its id if there is none, and its source or the reason."""

    id: str | None
    reason: str
    broken: str = ""
    """An address in the metadata that the browser cannot read."""


def article_of(document: PageMetadata, tag: Tag) -> DetectedArticle:
    """Return the article that a tag counts. Raises InvalidArticleId for an id that is refused."""
    given = tag.settings.get("article")
    if given is not None:
        if _NO_ID.fullmatch(given):
            return DetectedArticle(None, f"data-article is {given!r}")
        return DetectedArticle(article_ids.clean(given), "data-article")
    if not _is_article(document):
        return DetectedArticle(
            None, "neither og:type nor the first type of a block of JSON-LD says it is an article"
        )
    return _detected(document)


def _is_article(document: PageMetadata) -> bool:
    if document.is_og_article:
        return True
    types = (block.split("@type")[1] for block in document.json_ld if "@type" in block)
    return any(_ARTICLE_TYPE.match(text) for text in types)


def _detected(document: PageMetadata) -> DetectedArticle:
    base = document.base or document.url
    source, address = "link rel=canonical", document.canonical
    if address is None:
        source, address, base = "og:url", document.og_url, document.url
    if address is not None:
        try:
            if address.strip():
                resolved = absolute(base, address)
                return DetectedArticle(article_ids.of_url(resolved), source)
        except article_ids.InvalidArticleId:
            raise
        except ValueError:
            pass
    path = urlsplit(document.url)._replace(query="", fragment="").geturl()
    broken = f"{source} is {address!r}" if address is not None else ""
    return DetectedArticle(article_ids.of_url(path), "the path of the page", broken)
