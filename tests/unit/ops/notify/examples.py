"""Messages that several tests send."""

from datetime import UTC, date, datetime
from typing import Any

import msgspec

from mostread.ops.notify.messages import (
    Alert,
    Digest,
    EditorMessage,
    RankedStory,
    Story,
)
from mostread.ranking.repository import Counts

NOW = datetime(2026, 11, 28, 9, 0, tzinfo=UTC)


def story(article_id: str, title: str) -> Story:
    page = f"https://mostread.example/articles/{article_id}?site=default"
    return Story(article_id, title, f"https://news.example/{article_id}", "City", page)


def message(**changes: Any) -> EditorMessage:
    """Return a message that one article rises."""
    rises = Alert(
        "rises", story("a", "New metro line"), 1204, "1h", rank=1, previous_rank=14, times=4.24
    )
    rising = EditorMessage(
        id="0123456789abcdef",
        subscription="City desk",
        site="default",
        sections=("City",),
        lang="en",
        top=10,
        created_at=NOW,
        page="https://mostread.example/?site=default&section=City",
        alerts=[rises],
    )
    return msgspec.structs.replace(rising, **changes)


def digest(**changes: Any) -> EditorMessage:
    """Return the digest of a day."""
    composed = Digest(
        date(2026, 11, 27),
        Counts(128_400, 341, 1),
        Counts(114_000, 300, 2),
        Counts(0, 0, 0),
        [
            RankedStory(1, 3, story("a", "New metro line"), 12_043, 9000),
            RankedStory(2, 2, story("b", "Plov"), 21, 42),
            RankedStory(3, None, story("c", "Win a phone"), 1, None),
        ],
    )
    return message(alerts=[], digest=composed, **changes)
