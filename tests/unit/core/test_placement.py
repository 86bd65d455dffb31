"""Decoding decision records of the articles topic, and their effect."""

import json

import pytest

from mostread.core.editorial.placements import (
    PlacementRow,
    Standing,
    in_force,
    placement_key,
    standing,
)
from mostread.core.editorial.records import decode_change
from mostread.errors import InvalidEvent

KEY = placement_key("site", "a:b/ц")
NAMES = {"article_id": "a:b/ц", "site": "site", "by": "Анна"}
PLAIN = Standing(hidden=False, pinned=None)


def decided(**fields: object) -> PlacementRow:
    value = json.dumps({**NAMES, **fields}).encode()
    row = decode_change(KEY, value, timestamp=1_795_461_787_364, offset=7)
    assert isinstance(row, PlacementRow)
    return row


def test_decision_record_becomes_row() -> None:
    row = decided(hidden=False, pinned=3, until=1000, reason="<b>шұғыл</b>\n", undoes="12")
    assert row == PlacementRow(
        site="site",
        article_id="a:b/ц",
        hidden=False,
        pinned=3,
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


@pytest.mark.parametrize(
    ("by_cms", "fields", "expected"),
    [
        (PLAIN, {}, PLAIN),
        (PLAIN, {"hidden": True}, Standing(hidden=True, pinned=None)),
        (Standing(hidden=True, pinned=None), {"hidden": False}, PLAIN),
        (Standing(hidden=True, pinned=2), {"pinned": 1}, Standing(hidden=True, pinned=1)),
        (Standing(hidden=False, pinned=2), {"pinned": 0}, PLAIN),
        (Standing(hidden=False, pinned=2), {"hidden": False}, Standing(hidden=False, pinned=2)),
        (PLAIN, {"embargo_until": 1001}, Standing(hidden=True, pinned=None)),
        (PLAIN, {"embargo_until": 1000}, PLAIN),
        (PLAIN, {"expires_at": 1000}, Standing(hidden=True, pinned=None)),
        (PLAIN, {"expires_at": 1001}, PLAIN),
        (PLAIN, {"hidden": False, "expires_at": 1000}, Standing(hidden=True, pinned=None)),
        (PLAIN, {"pinned": 1, "until": 1001}, Standing(hidden=False, pinned=1)),
        (PLAIN, {"pinned": 1, "until": 1000}, PLAIN),
        (PLAIN, {"embargo_until": 2000, "until": 1000}, PLAIN),
    ],
)
def test_decision_overrides_cms(
    by_cms: Standing, fields: dict[str, object], expected: Standing
) -> None:
    assert standing(by_cms, decided(**fields), now=1000) == expected


def test_standing_without_decision_follows_cms() -> None:
    assert standing(Standing(hidden=True, pinned=4), None, now=0) == Standing(True, 4)
