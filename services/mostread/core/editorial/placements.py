"""Editorial decisions, as records of the articles topic, as rows, and their effect.

A decision replaces the previous one as a whole; fields that it leaves out follow the CMS. Its
record has the key `placement:<site>:<article_id>`. A record without a value, or without fields,
leaves everything to the CMS.

A pin holds in all current lists of a site, or in those that `pinned_in` names. Trending, and lists
of a period that is over, contain no pins: they say what was read.
"""

from enum import StrEnum
from typing import Annotated, NamedTuple, Protocol, TypeVar

import msgspec
from msgspec import UNSET, Meta, UnsetType

from mostread.core.editorial.articles import LANGUAGE, TEXT
from mostread.core.events import Timestamp
from mostread.core.ranking.windows import CURRENT
from mostread.errors import InvalidEvent

NOT_PINNED = 0
"""Value of `pinned` that overrides a pin of the CMS."""

CLOCK_TOLERANCE_MS = 60_000
"""How far the clock of a CMS may be ahead before its new articles count as scheduled."""

# \A and \Z, not ^ and $: in Python, $ also matches before a trailing newline.
ArticleId = Annotated[str, Meta(min_length=1, max_length=128, pattern=r"\A[^\x00-\x1f]+\Z")]
Site = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"\A[A-Za-z0-9._-]+\Z")]
Decider = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"\A[^\x00-\x1f]+\Z")]
PinnedRank = Annotated[int, Meta(ge=NOT_PINNED, le=100)]
Reason = Annotated[str, Meta(min_length=1, max_length=500)]
DecisionId = Annotated[str, Meta(pattern=r"\A[0-9]{1,19}\Z")]
_SOME = Meta(min_length=1, max_length=20)

UNFILTERED = ""
"""In `pinned_in`, the list that is not filtered by section or language."""

PinnedSection = Annotated[str, Meta(max_length=100, pattern=rf"\A\Z|{TEXT}")]
PinnedLanguage = Annotated[str, Meta(max_length=35, pattern=rf"\A\Z|{LANGUAGE}")]


class PinnedIn(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The lists in which a pin holds; an omitted field stands for any section or the like."""

    sections: Annotated[tuple[PinnedSection, ...], _SOME] | UnsetType = UNSET
    languages: Annotated[tuple[PinnedLanguage, ...], _SOME] | UnsetType = UNSET
    windows: Annotated[tuple[str, ...], _SOME] | UnsetType = UNSET


class Decision(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Fields that an editor sends. Times are in milliseconds since the epoch.

    `until` ends `hidden`; in a decision that does not hide, `pinned` and `approved`. The embargo
    and the expiry have their own times.
    """

    hidden: bool | UnsetType = UNSET
    pinned: PinnedRank | UnsetType = UNSET
    pinned_in: PinnedIn | UnsetType = UNSET
    embargo_until: Timestamp | UnsetType = UNSET
    expires_at: Timestamp | UnsetType = UNSET
    approved: bool | UnsetType = UNSET
    until: Timestamp | UnsetType = UNSET
    reason: Reason | UnsetType = UNSET
    undoes: DecisionId | UnsetType = UNSET


class Placement(Decision, kw_only=True):
    """A decision with its article and author: the value of a record."""

    article_id: ArticleId
    site: Site = "default"
    by: Decider


class PlacementRow(NamedTuple):
    """A row of `placement_versions` and `placement_log`; None follows the CMS.

    The pin holds in the sections, languages and windows named, in any if none is.
    """

    site: str
    article_id: str
    hidden: bool | None
    pinned: int | None
    pinned_sections: tuple[str, ...]
    pinned_languages: tuple[str, ...]
    pinned_windows: tuple[str, ...]
    embargo_until: int | None
    expires_at: int | None
    approved: bool | None
    until: int | None
    reason: str
    by: str
    undoes: int | None
    decided_at: int
    version: int


class PlacementFields(Protocol):
    """Fields of a decision that affect lists. None follows the CMS; times are in ms."""

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


class ArticleFields(Protocol):
    """Fields of a description that affect lists. `published_at` is in ms."""

    @property
    def hidden(self) -> bool: ...
    @property
    def pinned(self) -> int | None: ...
    @property
    def published_at(self) -> int | None: ...
    @property
    def deleted(self) -> bool: ...


class Withheld(StrEnum):
    """Why an article is in no list, and unknown to everybody but editors."""

    DELETED = "deleted"
    HIDDEN = "hidden"
    EMBARGOED = "embargoed"
    EXPIRED = "expired"
    SCHEDULED = "scheduled"


class Standing(NamedTuple):
    """Why an article is withheld, if it is, and its pinned rank, if any."""

    withheld: Withheld | None
    pinned: int | None


T = TypeVar("T")

_decoder = msgspec.json.Decoder(Placement)


def placement_key(site: str, article_id: str) -> bytes:
    """Return the record key of decisions about an article."""
    return f"placement:{site}:{article_id}".encode()


def check_possible(decision: Decision) -> None:
    """Raise InvalidEvent for a decision that could never have an effect.

    Its embargo outlasts its expiry, or it names lists without a pin, or lists without pins.
    """
    if (
        isinstance(decision.embargo_until, int)
        and isinstance(decision.expires_at, int)
        and decision.expires_at <= decision.embargo_until
    ):
        raise InvalidEvent(
            "contradiction",
            "expires_at is not after embargo_until, so the article would never be listed; set a "
            "later expires_at, or hide the article.",
        )
    if decision.pinned_in is UNSET:
        return
    if not decision.pinned or not any(msgspec.structs.astuple(decision.pinned_in)):
        raise InvalidEvent(
            "contradiction",
            "pinned_in names no list to pin to; send it with `pinned` of 1 to 100 and with "
            "sections, languages or windows.",
        )
    for window in _value(decision.pinned_in.windows) or ():
        if window not in CURRENT:
            raise InvalidEvent(
                "contradiction",
                f"pinned_in.windows contains {window[:40]!r}, whose list has no pins; choose from "
                f"{', '.join(CURRENT)}.",
            )


def placement_row(
    site: str, article_id: str, value: bytes | None, *, decided_at: int, version: int
) -> PlacementRow:
    """Decode a record into a row. Raises InvalidEvent if the value is not a valid decision.

    Unknown fields are rejected, because a misspelt field would silently have no effect.
    """
    if value is None:
        empty = (None, None, (), (), (), None, None, None, None, "", "", None)
        return PlacementRow(site, article_id, *empty, decided_at, version)
    try:
        placement = _decoder.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidEvent("syntax", str(error)) from error
    if (placement.site, placement.article_id) != (site, article_id):
        raise InvalidEvent("key", "the key and the value name different articles")
    check_possible(placement)
    pinned_in = _value(placement.pinned_in) or PinnedIn()
    return PlacementRow(
        site=site,
        article_id=article_id,
        hidden=_value(placement.hidden),
        pinned=_value(placement.pinned),
        pinned_sections=_value(pinned_in.sections) or (),
        pinned_languages=_value(pinned_in.languages) or (),
        pinned_windows=_value(pinned_in.windows) or (),
        embargo_until=_value(placement.embargo_until),
        expires_at=_value(placement.expires_at),
        approved=_value(placement.approved),
        until=_value(placement.until),
        reason=_value(placement.reason) or "",
        by=placement.by,
        undoes=int(placement.undoes) if placement.undoes is not UNSET else None,
        decided_at=decided_at,
        version=version,
    )


def in_force(placement: PlacementFields, now: int) -> bool:
    """Return whether a decision sets any field that is valid at `now` (ms)."""
    fields = [placement.embargo_until, placement.expires_at]
    if not has_ended(placement, now):
        fields.append(placement.hidden)
    if not pin_has_ended(placement, now):
        fields += [placement.pinned, placement.approved]
    return any(field is not None for field in fields)


def has_ended(placement: PlacementFields, now: int) -> bool:
    """Return whether `until` has passed."""
    return placement.until is not None and placement.until <= now


def pin_has_ended(placement: PlacementFields, now: int) -> bool:
    """Return whether `until` has ended a pin and an approval: it does not if it ends a hiding."""
    return has_ended(placement, now) and not placement.hidden


def standing(
    article: ArticleFields | None, placement: PlacementFields | None, now: int
) -> Standing:
    """Return the standing of an article at `now` (ms): a decision overrides the CMS.

    `article` is None if nothing described it. An embargo or expiry comes from a decision only.
    ranking/sql/ranked_list.sql applies the same rules to lists; a test compares the two.
    """
    pinned = article.pinned if article else None
    if placement is not None and placement.pinned is not None and not pin_has_ended(placement, now):
        pinned = placement.pinned or None
    return Standing(_withheld(article, placement, now), pinned)


def _withheld(
    article: ArticleFields | None, decision: PlacementFields | None, now: int
) -> Withheld | None:
    if article is not None and article.deleted:
        return Withheld.DELETED
    hidden = article is not None and article.hidden
    if decision is not None and decision.hidden is not None and not has_ended(decision, now):
        hidden = decision.hidden
    if hidden:
        return Withheld.HIDDEN
    if decision is not None and decision.embargo_until is not None and now < decision.embargo_until:
        return Withheld.EMBARGOED
    if decision is not None and decision.expires_at is not None and decision.expires_at <= now:
        return Withheld.EXPIRED
    if article is not None and (article.published_at or 0) > now + CLOCK_TOLERANCE_MS:
        return Withheld.SCHEDULED
    return None


def _value(value: T | UnsetType) -> T | None:
    return None if value is UNSET else value
