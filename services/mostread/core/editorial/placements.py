"""What an editor decides about an article: a record of the articles topic, its row, its effect.

A decision is whole: it stands in place of the one before. What it says nothing of is left to
the CMS. It is a record with the key `placement:<site>:<article_id>`; a record without a value,
and one that says nothing, decide nothing.
"""

from typing import Annotated, NamedTuple, Protocol, TypeVar

import msgspec
from msgspec import UNSET, Meta, UnsetType

from mostread.core.events import Timestamp
from mostread.errors import InvalidEvent

NOT_PINNED = 0
"""Pinned at no rank, whatever the CMS says."""

# \A and \Z, not ^ and $: in Python's regular expressions $ stands before a newline, too.
ArticleId = Annotated[str, Meta(min_length=1, max_length=128, pattern=r"\A[^\x00-\x1f]+\Z")]
Site = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"\A[A-Za-z0-9._-]+\Z")]
Decider = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"\A[^\x00-\x1f]+\Z")]
PinnedRank = Annotated[int, Meta(ge=NOT_PINNED, le=100)]
Reason = Annotated[str, Meta(min_length=1, max_length=500)]
DecisionId = Annotated[str, Meta(pattern=r"\A[0-9]{1,19}\Z")]


class Decision(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What an editor says. Times are in milliseconds since the epoch."""

    hidden: bool | UnsetType = UNSET
    pinned: PinnedRank | UnsetType = UNSET
    embargo_until: Timestamp | UnsetType = UNSET
    expires_at: Timestamp | UnsetType = UNSET
    approved: bool | UnsetType = UNSET
    until: Timestamp | UnsetType = UNSET
    reason: Reason | UnsetType = UNSET
    undoes: DecisionId | UnsetType = UNSET


class Placement(Decision, kw_only=True):
    """A decision about an article, and who took it: the value of a record."""

    article_id: ArticleId
    site: Site = "default"
    by: Decider


class PlacementRow(NamedTuple):
    """A row of `placements` and `placement_log`: None is what nothing was said of."""

    site: str
    article_id: str
    hidden: bool | None
    pinned: int | None
    embargo_until: int | None
    expires_at: int | None
    approved: bool | None
    until: int | None
    reason: str
    by: str
    undoes: int | None
    decided_at: int
    version: int


class Decided(Protocol):
    """What was decided, None where nothing was said; times in milliseconds."""

    @property
    def hidden(self) -> bool | None: ...
    @property
    def pinned(self) -> int | None: ...
    @property
    def embargo_until(self) -> int | None: ...
    @property
    def expires_at(self) -> int | None: ...
    @property
    def approved(self) -> bool | None: ...
    @property
    def until(self) -> int | None: ...


class Standing(NamedTuple):
    """Where an article stands: in no list where it is hidden, else at a rank of its own if any."""

    hidden: bool
    pinned: int | None


T = TypeVar("T")

_decoder = msgspec.json.Decoder(Placement)


def placement_key(site: str, article_id: str) -> bytes:
    """Return the key of the records that hold decisions about an article."""
    return f"placement:{site}:{article_id}".encode()


def check_possible(decision: Decision) -> None:
    """Raise InvalidEvent where an article could never be listed, which nobody means so."""
    if (
        isinstance(decision.embargo_until, int)
        and isinstance(decision.expires_at, int)
        and decision.expires_at <= decision.embargo_until
    ):
        raise InvalidEvent(
            "contradiction",
            "It would expire before its embargo ends, and never be listed. Set expires_at after "
            "embargo_until, or hide it.",
        )


def placement_row(
    site: str, article_id: str, value: bytes | None, *, decided_at: int, version: int
) -> PlacementRow:
    """Return the row that a decision becomes. Raises InvalidEvent for what is none.

    A field that is not known is refused, as a misspelt one would decide nothing in silence.
    """
    if value is None:
        nothing = (None, None, None, None, None, None, "", "", None)
        return PlacementRow(site, article_id, *nothing, decided_at, version)
    try:
        said = _decoder.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidEvent("syntax", str(error)) from error
    if (said.site, said.article_id) != (site, article_id):
        raise InvalidEvent("key", "the key names another article than the value")
    check_possible(said)
    return PlacementRow(
        site=site,
        article_id=article_id,
        hidden=_said(said.hidden),
        pinned=_said(said.pinned),
        embargo_until=_said(said.embargo_until),
        expires_at=_said(said.expires_at),
        approved=_said(said.approved),
        until=_said(said.until),
        reason=_said(said.reason) or "",
        by=said.by,
        undoes=int(said.undoes) if said.undoes is not UNSET else None,
        decided_at=decided_at,
        version=version,
    )


def in_force(decided: Decided, now: int) -> bool:
    """Say whether a decision says anything, and holds at `now` (ms)."""
    said = (
        decided.hidden,
        decided.pinned,
        decided.embargo_until,
        decided.expires_at,
        decided.approved,
    )
    return said.count(None) < len(said) and (decided.until is None or now < decided.until)


def standing(by_cms: Standing, decided: Decided | None, now: int) -> Standing:
    """Return where an article stands at `now` (ms): an editor's word goes before the CMS's.

    An embargo and an expiry can only be decided, and hide. ranking/queries/ranked.sql does the
    same for whole lists, and a test holds the two against each other.
    """
    if decided is None or not in_force(decided, now):
        return by_cms
    hidden = by_cms.hidden if decided.hidden is None else decided.hidden
    early = decided.embargo_until is not None and now < decided.embargo_until
    late = decided.expires_at is not None and decided.expires_at <= now
    pinned = by_cms.pinned if decided.pinned is None else (decided.pinned or None)
    return Standing(hidden or early or late, pinned)


def _said(value: T | UnsetType) -> T | None:
    return None if value is UNSET else value
