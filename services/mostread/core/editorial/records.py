"""Decode records of the articles topic: article metadata, aliases, decisions, forgets.

The topic is compacted. Each kind and source has keys of its own, so that none overwrites another.
"""

from typing import NamedTuple

from mostread.core.editorial.aliases import AliasRow, alias_key, alias_row
from mostread.core.editorial.articles import ArticleRow, Source, article_key, article_row
from mostread.core.editorial.placements import PlacementRow, placement_key, placement_row
from mostread.core.events import LATEST_TIMESTAMP
from mostread.errors import InvalidEvent

_PLACEMENT, _FORGET, _ALIAS = "placement", "forget", "alias"
_KINDS = (*Source, _PLACEMENT, _FORGET, _ALIAS)
_OF_A_SITE = (_FORGET, _ALIAS)
"""Kinds whose records may be about a whole site, without an article id."""


class ArticleForget(NamedTuple):
    """An order to delete what was written about an article before `version`.

    An empty `article_id` stands for all articles of the site.
    """

    site: str
    article_id: str
    version: int


Change = ArticleRow | PlacementRow | AliasRow | ArticleForget


def forget_key(site: str, article_id: str) -> bytes:
    """Return the record key of a forget; its value is not read."""
    return f"{_FORGET}:{site}:{article_id}".encode()


def record_keys(site: str, article_id: str) -> list[bytes]:
    """Return the keys of all records that can be about an article, except for a forget."""
    return [
        *(article_key(site, article_id, source) for source in Source),
        placement_key(site, article_id),
        alias_key(site, article_id),
    ]


def decode_change(key: bytes | None, value: bytes | None, *, timestamp: int, offset: int) -> Change:
    """Decode a record into a row. Raises InvalidEvent if the key or value is not valid.

    `timestamp` is that of the record, in milliseconds.
    """
    kind, site, article_id = _parse_key(key)
    timestamp = min(max(timestamp, 0), LATEST_TIMESTAMP)
    version = record_version(timestamp, offset)
    if kind == _FORGET:
        return ArticleForget(site, article_id, version)
    if kind == _PLACEMENT:
        return placement_row(site, article_id, value, decided_at=timestamp, version=version)
    if kind == _ALIAS:
        return alias_row(site, article_id, value, version=version)
    return article_row(Source(kind), site, article_id, value, version=version)


def record_version(timestamp: int, offset: int) -> int:
    """Return the version of a record, which is also the id of a decision.

    It combines the timestamp in milliseconds with the offset, so that it still grows when the
    topic is deleted and recreated.
    """
    return timestamp << 20 | offset & 0xFFFFF


def _parse_key(key: bytes | None) -> tuple[str, str, str]:
    try:
        kind, site, article_id = (key or b"").decode().split(":", 2)
        if kind not in _KINDS or not site or not (article_id or kind in _OF_A_SITE):
            raise ValueError(f"the key starts with {kind!r}")
    except ValueError as error:
        raise InvalidEvent(
            "key",
            "the key is not article:, feed:, placement:, alias: or forget:<site>:<article_id>: "
            f"{error}",
        ) from error
    return kind, site, article_id
