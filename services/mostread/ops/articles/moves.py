"""Articles of feeds whose address changes, recognised by the id that a feed gives each item.

Some feeds give the id of one article to another later, or number their items. An item has
moved only if nothing speaks against it: the ids of the feed are distinct, it has kept its title or
its time of publication, its former address has left the feed, and its new one was not there before.
"""

import sqlite3
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from mostread.errors import Misconfigured

_SETTING = "MOSTREAD_ARTICLES_STATE_FILE"
_KEPT_SECONDS = 90 * 86_400
_TABLE = """
    CREATE TABLE IF NOT EXISTS items (
        site TEXT, feed TEXT, guid TEXT, article_id TEXT, title TEXT, published_at TEXT,
        seen_at INTEGER, PRIMARY KEY (site, feed, guid)
    ) WITHOUT ROWID
"""


class ListedItem(NamedTuple):
    """An item of a feed: the id it has there, and the article it leads to."""

    guid: str
    article_id: str
    title: str
    published_at: str


class Move(NamedTuple):
    """An article whose id has changed."""

    old: str
    new: str


def moves(known: Mapping[str, ListedItem], listed: Sequence[ListedItem]) -> list[Move]:
    """Return which items have moved since they were known, by guid."""
    addresses = {item.article_id for item in listed}
    before = {item.article_id for item in known.values()}
    times = Counter(item.guid for item in listed)
    moved = []
    for item in listed:
        was = known.get(item.guid)
        if was is None or times[item.guid] > 1:
            continue
        if was.article_id in addresses or item.article_id in before:
            continue
        if item.title == was.title or (item.published_at and item.published_at == was.published_at):
            moved.append(Move(was.article_id, item.article_id))
    return moved


class ItemMemory:
    """Remembers the items of feeds in an SQLite file, or without one until the process ends."""

    def __init__(self, file: str) -> None:
        """Open or create the file. Raises Misconfigured."""
        try:
            if file:
                Path(file).parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(file or ":memory:", timeout=10, isolation_level=None)
            self._db.execute(_TABLE)
        except (OSError, sqlite3.Error) as error:
            raise Misconfigured(
                f"{_SETTING}: {file} cannot be used ({error}); name a file that can be written"
            ) from error

    def close(self) -> None:
        self._db.close()

    def known(self, site: str, feed: str) -> dict[str, ListedItem]:
        """Return the items of a feed by guid, those that have left it lately included."""
        rows = self._db.execute(
            "SELECT guid, article_id, title, published_at FROM items WHERE site = ? AND feed = ?",
            (site, feed),
        )
        return {row[0]: ListedItem(*row) for row in rows}

    def remember(self, site: str, feed: str, listed: Sequence[ListedItem], now: int) -> None:
        """Remember the items of a feed, and forget those that left it 90 days ago.

        `now` is in seconds.
        """
        self._db.execute("BEGIN IMMEDIATE")
        self._db.executemany(
            "INSERT OR REPLACE INTO items VALUES (?, ?, ?, ?, ?, ?, ?)",
            [(site, feed, *item, now) for item in listed],
        )
        self._db.execute("DELETE FROM items WHERE seen_at < ?", (now - _KEPT_SECONDS,))
        self._db.execute("COMMIT")
