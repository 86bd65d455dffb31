"""Decoding decision records of the articles topic, and their effect."""

import json
from dataclasses import dataclass

import pytest

from mostread.core.editorial.placements import (
    CLOCK_TOLERANCE_MS,
    PlacementRow,
    Standing,
    Withheld,
    in_force,
    placement_key,
    standing,
)
from mostread.core.editorial.records import decode_change
from mostread.errors import InvalidEvent

KEY = placement_key("site", "a:b/ц")
NAMES = {"article_id": "a:b/ц", "site": "site", "by": "Анна"}


def decided(**fields: object) -> PlacementRow:
    value = json.dumps({**NAMES, **fields}).encode()
    row = decode_change(KEY, value, timestamp=1_795_461_787_364, offset=7)
    assert isinstance(row, PlacementRow)
    return row


def test_decision_record_becomes_row() -> None:
    lists = {"sections": ["", "Мәдениет"], "windows": ["24h"]}
    fields = {"hidden": False, "pinned": 3, "pinned_in": lists, "until": 1000}
    row = decided(**fields, reason="<b>шұғыл</b>\n", undoes="12")
    assert row == PlacementRow(
        site="site",
        article_id="a:b/ц",
        hidden=False,
        pinned=3,
        pinned_sections=("", "Мәдениет"),
        pinned_languages=(),
        pinned_windows=("24h",),
        embargo_until=None,
        expires_at=None,
        approved=None,
        until=1000,
        reason="<b>шұғыл</b>\n",
        by="Анна",
        undoes=12,
        decided_at=1_795_461_787_364,
        version=1_795_461_787_364 << 20 | 7,
    )


def test_decision_record_without_value_clears_decision() -> None:
    row = decode_change(KEY, None, timestamp=5, offset=7)
    assert isinstance(row, PlacementRow)
    assert (row.by, row.reason, row.decided_at) == ("", "", 5)
    assert not in_force(row, now=0)


@pytest.mark.parametrize(
    ("key", "fields"),
    [
        (KEY, {"hiden": True}),
        (KEY, {"pinned": 101}),
        (KEY, {"pinned": True}),
        (KEY, {"hidden": None}),
        (KEY, {"pinned_in": {"windows": ["24h"]}}),
        (KEY, {"pinned": 0, "pinned_in": {"windows": ["24h"]}}),
        (KEY, {"pinned": 1, "pinned_in": {}}),
        (KEY, {"pinned": 1, "pinned_in": {"windows": []}}),
        (KEY, {"pinned": 1, "pinned_in": {"windows": ["yesterday"]}}),
        (KEY, {"pinned": 1, "pinned_in": {"sections": ["\u202e"]}}),
        (KEY, {"pinned": 1, "pinned_in": {"languages": ["k"]}}),
        (KEY, {"pinned": 1, "pinned_in": {"section": [""]}}),
        (KEY, {"by": ""}),
        (KEY, {"by": "a\nb"}),
        (KEY, {"undoes": "²"}),
        (KEY, {"undoes": "12\n"}),
        (KEY, {"expires_at": 5, "embargo_until": 5}),
        (KEY, {"until": 10**16}),
        (KEY, {"article_id": "other"}),
        (placement_key("other", "a:b/ц"), {}),
        (b"placements:site:a:b/\xd1\x86", {}),
        (b"article:site:a:b/\xd1\x86", {"title": 1}),
    ],
)
def test_invalid_decision_record_is_rejected_with_reason(
    key: bytes, fields: dict[str, object]
) -> None:
    with pytest.raises(InvalidEvent) as refused:
        decode_change(key, json.dumps({**NAMES, **fields}).encode(), timestamp=1, offset=1)
    assert str(refused.value)


@dataclass(frozen=True)
class Cms:
    """Fields of a description."""

    hidden: bool = False
    pinned: int | None = None
    published_at: int | None = None
    deleted: bool = False


NOW = 10_000_000
LISTED = Standing(None, None)


@pytest.mark.parametrize(
    ("cms", "fields", "expected"),
    [
        (Cms(), {}, LISTED),
        (None, {}, LISTED),
        (Cms(), {"hidden": True}, Standing(Withheld.HIDDEN, None)),
        (None, {"hidden": True}, Standing(Withheld.HIDDEN, None)),
        (Cms(hidden=True), {"hidden": False}, LISTED),
        (Cms(hidden=True, pinned=2), {"pinned": 1}, Standing(Withheld.HIDDEN, 1)),
        (Cms(pinned=2), {"pinned": 0}, LISTED),
        (Cms(pinned=2), {"hidden": False}, Standing(None, 2)),
        (Cms(), {"embargo_until": NOW + 1}, Standing(Withheld.EMBARGOED, None)),
        (Cms(), {"embargo_until": NOW}, LISTED),
        (Cms(), {"expires_at": NOW}, Standing(Withheld.EXPIRED, None)),
        (Cms(), {"expires_at": NOW + 1}, LISTED),
        (Cms(), {"hidden": False, "expires_at": NOW}, Standing(Withheld.EXPIRED, None)),
        (Cms(), {"pinned": 1, "until": NOW + 1}, Standing(None, 1)),
        (Cms(), {"pinned": 1, "until": NOW}, LISTED),
        (Cms(), {"hidden": True, "until": NOW}, LISTED),
        # The end of a hiding is not that of the pin.
        (Cms(), {"hidden": True, "pinned": 1, "until": NOW}, Standing(None, 1)),
        (Cms(), {"hidden": False, "pinned": 1, "until": NOW}, LISTED),
        # An embargo and an expiry outlast a pin for the evening.
        (
            Cms(),
            {"pinned": 1, "embargo_until": NOW + 9, "until": NOW},
            Standing(Withheld.EMBARGOED, None),
        ),
        (Cms(), {"expires_at": NOW - 9, "until": NOW}, Standing(Withheld.EXPIRED, None)),
        (Cms(deleted=True), {"hidden": False, "pinned": 1}, Standing(Withheld.DELETED, 1)),
    ],
)
def test_decision_overrides_cms(
    cms: Cms | None, fields: dict[str, object], expected: Standing
) -> None:
    assert standing(cms, decided(**fields), NOW) == expected


@pytest.mark.parametrize(
    ("cms", "expected"),
    [
        (None, LISTED),
        (Cms(hidden=True, pinned=4), Standing(Withheld.HIDDEN, 4)),
        (Cms(published_at=NOW + CLOCK_TOLERANCE_MS), LISTED),
        (Cms(published_at=NOW + CLOCK_TOLERANCE_MS + 1), Standing(Withheld.SCHEDULED, None)),
    ],
)
def test_standing_without_decision_follows_cms(cms: Cms | None, expected: Standing) -> None:
    assert standing(cms, None, NOW) == expected
