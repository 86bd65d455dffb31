"""Receipts, with which a browser takes back a like that it sent.

A receipt is a keyed hash of a like's site, article and id, given to the client with the answer. A
retraction without a token must carry it. Every like that gets a receipt is counted once and taken
back at most once, in the minute in which it counted, because all of that depends on its id alone:

- the id begins with the time of the like, and is accepted from a minute before that time to 25
  minutes after it: all copies of the like, and of its retraction, lie within one dedup window;
- both are written with an id of their own kind (`RECEIPTED`), so that no like sent without a
  receipt, at another time, is a copy of this one;
- both count a minute before the time in the id, never in the future, where the aggregator
  would replace it by the time of each record.
"""

import re
from hmac import compare_digest

from msgspec import UNSET

from mostread.collector.pipeline.event import SentEvent, article_of, site_of
from mostread.collector.pipeline.strict_decoder import CheckLike, RejectReason
from mostread.collector.pipeline.visitor_id import IdHasher
from mostread.core.events import PUBLIC
from mostread.core.retention import RESEND_LIMIT_SECONDS
from mostread.errors import InvalidEvent

RECEIPTED = PUBLIC * 2
"""First characters, in the log, of the id of a like with a receipt and of its retraction."""

VALID_MS = RESEND_LIMIT_SECONDS * 1000
AHEAD_MS = 60 * 1000
"""How far a browser's clock may be ahead."""

_TIME = re.compile(r"[0-9]{13}(?![0-9])")
_MAX_ID_LENGTH = 63
"""With `RECEIPTED` in front an id must not be longer than the log allows."""


class Receipts:
    """Issue receipts and verify them."""

    def __init__(self, hasher: IdHasher) -> None:
        self._hasher = hasher

    def like_checker(self, now_ms: int) -> CheckLike:
        """Return a check of whether receipts can be issued for the likes of a request."""
        articles: dict[str, tuple[str, str]] = {}

        def check_like(event: SentEvent) -> None:
            if not self._is_current(event, now_ms):
                raise InvalidEvent(
                    RejectReason.CLOCK,
                    "With `receipts=1` the `id` of a like begins with the current time in "
                    "milliseconds (13 digits, then another character) and has at most 63 "
                    "characters; send the like without `receipts=1`.",
                )
            article = article_of(event)
            # The answer names each receipt by the id alone.
            if articles.setdefault(str(event.id), article) != article:
                raise InvalidEvent(
                    RejectReason.SCHEMA,
                    "With `receipts=1` likes of two articles have one `id`; give each its own.",
                )

        return check_like

    def issue(self, event: SentEvent) -> str:
        """Return the receipt of a like."""
        return self._hasher.receipt(site_of(event), event.article_id, str(event.id))

    def may_retract(self, event: SentEvent, now_ms: int) -> bool:
        """Return whether the event carries the valid receipt of the like that it takes back."""
        return (
            event.type == "like"
            and event.receipt is not UNSET
            and event.receipt.isascii()
            and self._is_current(event, now_ms)
            and compare_digest(event.receipt, self.issue(event))
        )

    def _is_current(self, event: SentEvent, now_ms: int) -> bool:
        if event.id is UNSET or len(event.id) > _MAX_ID_LENGTH or not _TIME.match(event.id):
            return False
        return -AHEAD_MS <= now_ms - _liked_at(event) <= VALID_MS


def counted_at(event: SentEvent) -> int:
    """Return when a like with a receipt counts, and its retraction, in milliseconds."""
    return _liked_at(event) - AHEAD_MS


def _liked_at(event: SentEvent) -> int:
    return int(str(event.id)[:13])
