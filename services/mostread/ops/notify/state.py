"""The memory of the service over restarts: an SQLite file that one process uses at a time.

The findings of a check and the messages about them are written in one transaction: after a crash
they are all there or none is. A message is marked before it is sent and deleted
afterwards, so one that is marked at the next start may have arrived, and is not sent again.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import msgspec

from mostread.errors import Misconfigured
from mostread.ops.notify.messages import EditorMessage, Story

REMEMBERED = timedelta(hours=1)
"""How long the top is remembered after an article has left it."""

MAX_QUEUED = 100
"""Messages that wait for one target; the oldest are dropped."""

_KEPT = timedelta(days=8)
_SETTING = "MOSTREAD_NOTIFY_STATE_FILE"
_VERSION = 1
_TABLES = """
    CREATE TABLE IF NOT EXISTS top (
        subscription TEXT, article_id TEXT, story BLOB, rank INTEGER, seen_at INTEGER,
        PRIMARY KEY (subscription, article_id)
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS reported (
        subscription TEXT, kind TEXT, subject TEXT, reported_at INTEGER,
        PRIMARY KEY (subscription, kind, subject)
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS outbox (
        number INTEGER PRIMARY KEY, target TEXT, message BLOB, expires_at INTEGER,
        sending INTEGER DEFAULT 0
    );
    CREATE INDEX IF NOT EXISTS outbox_target ON outbox (target, number);
"""


class TopStory(NamedTuple):
    """An article that was in the top within the last hour, and its rank when last seen there."""

    story: Story
    rank: int


class Subject(NamedTuple):
    """The subject of an alert (its kind and article) or of a digest (its day)."""

    kind: str
    name: str


class Queued(NamedTuple):
    """A message that waits for its target."""

    number: int
    message: EditorMessage
    expires_at: datetime


class State:
    """The opened file. Times are stored in whole seconds since the epoch."""

    def __init__(self, file: str) -> None:
        """Open or create the file. Raises Misconfigured, also while another process uses it."""
        path = Path(file)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, timeout=0, isolation_level=None)
        except (OSError, sqlite3.Error) as error:
            raise Misconfigured(f"{_SETTING}: {file} cannot be opened ({error})") from error
        try:
            # The lock of the first transaction lasts as long as the connection.
            self._db.execute("PRAGMA locking_mode = EXCLUSIVE")
            (version,) = self._db.execute("PRAGMA user_version").fetchone()
            if version not in (0, _VERSION):
                raise Misconfigured(f"{_SETTING}: a newer mostread wrote {file}; install that one")
            self._db.executescript(
                f"BEGIN EXCLUSIVE; {_TABLES} PRAGMA user_version = {_VERSION}; COMMIT;"
            )
        except sqlite3.OperationalError as error:
            self.close()
            reason = "another process uses it" if "locked" in str(error) else str(error)
            raise Misconfigured(
                f"{_SETTING}: {file} cannot be used ({reason}); stop the other `mostread notify`, "
                "or name another file"
            ) from error
        except sqlite3.DatabaseError as error:
            self.close()
            raise Misconfigured(
                f"{_SETTING}: {file} is not a file of mostread notify; name another one"
            ) from error
        except Misconfigured:
            self.close()
            raise

    def close(self) -> None:
        """Close the file, which another process can use then."""
        self._db.close()

    def top(self, subscription: str, now: datetime) -> dict[str, TopStory]:
        """Return the articles that a subscription's top contained within the last hour, by id."""
        rows = self._db.execute(
            "SELECT article_id, story, rank FROM top WHERE subscription = ? AND seen_at >= ?",
            (subscription, _seconds(now - REMEMBERED)),
        )
        decode = msgspec.json.Decoder(Story).decode
        return {article_id: TopStory(decode(story), rank) for article_id, story, rank in rows}

    def reported(self, subscription: str, since: datetime) -> set[Subject]:
        """Return the subjects reported to a subscription since a time."""
        rows = self._db.execute(
            "SELECT kind, subject FROM reported WHERE subscription = ? AND reported_at >= ?",
            (subscription, _seconds(since)),
        )
        return {Subject(*row) for row in rows}

    def record(
        self,
        subscription: str,
        now: datetime,
        *,
        top: Mapping[str, TopStory] | None = None,
        left: Iterable[str] = (),
        reported: Iterable[Subject] = (),
        messages: Iterable[tuple[str, EditorMessage, datetime]] = (),
    ) -> dict[str, int]:
        """Store the top, the reported subjects and the messages about them in one transaction.

        `left` are articles to remember no longer; a message comes with the key of its target and
        the time after which it is of no use. Returns how many older messages it dropped by target.
        """
        at = _seconds(now)
        dropped: dict[str, int] = {}
        with self._transaction():
            self._db.executemany(
                "INSERT OR REPLACE INTO top VALUES (?, ?, ?, ?, ?)",
                [
                    (subscription, article_id, msgspec.json.encode(each.story), each.rank, at)
                    for article_id, each in (top or {}).items()
                ],
            )
            self._db.executemany(
                "DELETE FROM top WHERE subscription = ? AND article_id = ?",
                [(subscription, article_id) for article_id in left],
            )
            self._db.executemany(
                "INSERT OR REPLACE INTO reported VALUES (?, ?, ?, ?)",
                [(subscription, *subject, at) for subject in reported],
            )
            for target, message, expires_at in messages:
                self._db.execute(
                    "INSERT INTO outbox (target, message, expires_at) VALUES (?, ?, ?)",
                    (target, msgspec.json.encode(message), _seconds(expires_at)),
                )
                dropped[target] = self._drop_oldest(target)
            self._db.execute("DELETE FROM top WHERE seen_at < ?", (_seconds(now - REMEMBERED),))
            self._db.execute("DELETE FROM reported WHERE reported_at < ?", (_seconds(now - _KEPT),))
        return dropped

    def next(self, target: str) -> Queued | None:
        """Return the oldest message for a target."""
        row = self._db.execute(
            "SELECT number, message, expires_at FROM outbox WHERE target = ? "
            "ORDER BY number LIMIT 1",
            (target,),
        ).fetchone()
        if row is None:
            return None
        number, message, expires_at = row
        return Queued(
            number,
            msgspec.json.decode(message, type=EditorMessage),
            datetime.fromtimestamp(expires_at, UTC),
        )

    def mark(self, number: int, *, sending: bool) -> None:
        """Mark a message before it is sent, and take the mark back if it certainly was not."""
        with self._transaction():
            self._db.execute(
                "UPDATE outbox SET sending = ? WHERE number = ?", (int(sending), number)
            )

    def remove(self, number: int) -> None:
        """Delete a message that was sent or given up."""
        with self._transaction():
            self._db.execute("DELETE FROM outbox WHERE number = ?", (number,))

    def remove_interrupted(self, target: str) -> int:
        """Delete the messages for a target whose sending a crash interrupted; return how many."""
        with self._transaction():
            return self._db.execute(
                "DELETE FROM outbox WHERE target = ? AND sending = 1", (target,)
            ).rowcount

    def remove_other_targets(self, targets: Iterable[str]) -> int:
        """Delete the messages for targets that no subscription has any more; return how many."""
        kept = list(targets)
        with self._transaction():
            marks = ",".join("?" * len(kept))
            return self._db.execute(
                f"DELETE FROM outbox WHERE target NOT IN ({marks})",  # noqa: S608  only marks
                kept,
            ).rowcount

    def queued(self) -> int:
        """Return the number of messages that wait."""
        (number,) = self._db.execute("SELECT count(*) FROM outbox").fetchone()
        return int(number)

    def _drop_oldest(self, target: str) -> int:
        """Delete what exceeds MAX_QUEUED, except for a message that is being sent."""
        return self._db.execute(
            "DELETE FROM outbox WHERE sending = 0 AND number IN ("
            "SELECT number FROM outbox WHERE target = ? ORDER BY number DESC LIMIT -1 OFFSET ?)",
            (target, MAX_QUEUED),
        ).rowcount

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")


def _seconds(time: datetime) -> int:
    return int(time.timestamp())
