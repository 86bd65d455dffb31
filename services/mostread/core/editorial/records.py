"""A record of the articles topic: what a CMS says of an article, or what an editor decides.

The topic is compacted. The two have keys of their own, so that one never overwrites the other.
"""

from mostread.core.editorial.articles import ArticleRow, article_row
from mostread.core.editorial.placements import PlacementRow, placement_row
from mostread.core.events import LATEST_TIMESTAMP
from mostread.errors import InvalidEvent


def change(
    key: bytes | None, value: bytes | None, *, timestamp: int, offset: int
) -> ArticleRow | PlacementRow:
    """Return the row that a record becomes. Raises InvalidEvent for anything else.

    `timestamp` is the record's, in milliseconds: with the offset below it the version still
    grows when the topic is deleted and made again.
    """
    kind, site, article_id = _named(key)
    timestamp = min(max(timestamp, 0), LATEST_TIMESTAMP)
    version = timestamp << 20 | offset & 0xFFFFF
    if kind == "article":
        return article_row(site, article_id, value, version=version)
    return placement_row(site, article_id, value, decided_at=timestamp, version=version)


def _named(key: bytes | None) -> tuple[str, str, str]:
    try:
        kind, site, article_id = (key or b"").decode().split(":", 2)
        if kind not in ("article", "placement") or not site or not article_id:
            raise ValueError(f"the key begins with {kind!r}")
    except ValueError as error:
        raise InvalidEvent(
            "key", f"the key is not article: or placement:<site>:<article_id>: {error}"
        ) from error
    return kind, site, article_id
