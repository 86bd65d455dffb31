"""Decoding aliases, and what they finally stand for."""

import json

import pytest

from mostread.core.editorial.aliases import (
    WHOLE_SITE,
    AliasRow,
    WrittenAlias,
    alias_key,
    canonical_ids,
    leads_to,
    resolve,
)
from mostread.core.editorial.records import decode_change
from mostread.errors import InvalidEvent


def written(*aliases: str) -> dict[str, WrittenAlias]:
    """Return aliases like 'a>b' in the order in which they were written."""
    pairs = (alias.split(">") for alias in aliases)
    return {old: WrittenAlias(new, version) for version, (old, new) in enumerate(pairs)}


@pytest.mark.parametrize(
    ("aliases", "expected"),
    [
        pytest.param([], {}, id="none"),
        pytest.param(["a>b"], {"a": "b"}, id="one"),
        pytest.param(["a>c", "b>c"], {"a": "c", "b": "c"}, id="two_of_one"),
        pytest.param(["a>b", "b>c", "c>d"], {"a": "d", "b": "d", "c": "d"}, id="chain"),
        pytest.param(["b>c", "a>b"], {"a": "c", "b": "c"}, id="chain_latest_first"),
        pytest.param(["a>b", "b>a"], {"b": "a"}, id="back"),
        pytest.param(["b>a", "a>b"], {"a": "b"}, id="back_other_way"),
        pytest.param(["a>b", "b>c", "c>a"], {"b": "a", "c": "a"}, id="circle_of_three"),
        pytest.param(["b>c", "c>a", "a>b"], {"a": "b", "c": "b"}, id="circle_oldest_cut"),
        pytest.param(["x>a", "a>b", "b>a"], {"x": "a", "b": "a"}, id="into_circle"),
        pytest.param(["a>b", "b>a", "c>d", "d>c"], {"b": "a", "d": "c"}, id="two_circles"),
        pytest.param(["a>a"], {}, id="itself"),
    ],
)
def test_alias_stands_for_the_end_of_its_chain(
    aliases: list[str], expected: dict[str, str]
) -> None:
    assert resolve(written(*aliases)) == expected


def test_very_long_chain_resolves() -> None:
    length = 50_000
    chain = {str(n): WrittenAlias(str(n + 1), n) for n in range(length)}
    assert set(resolve(chain).values()) == {str(length)}


def test_chain_leads_to_its_members_only() -> None:
    aliases = {"a": "b", "b": "c", "x": "y", "y": "x"}
    assert leads_to(aliases, "a", "c")
    assert leads_to(aliases, "a", "a")
    assert not leads_to(aliases, "c", "a")
    assert not leads_to(aliases, "x", "a")


def test_aliases_of_each_site_are_apart() -> None:
    rows = [AliasRow("s", "a", "b", "", 1), AliasRow("t", "b", "c", "", 2)]
    assert canonical_ids(rows) == {("s", "a"): "b", ("t", "b"): "c"}


def test_deleted_alias_stands_for_nothing() -> None:
    rows = [AliasRow("s", "a", "", "", 2), AliasRow("s", "b", "a", "", 1)]
    assert canonical_ids(rows) == {("s", "b"): "a"}


def test_renamed_site_takes_its_aliases_along() -> None:
    rows = [
        AliasRow("old", "a", "b", "", 1),
        AliasRow("old", "x", "y", "", 5),
        AliasRow("new", "b", "c", "", 2),
        AliasRow("new", "x", "z", "", 4),
        AliasRow("oldest", WHOLE_SITE, "old", "", 3),
        AliasRow("old", WHOLE_SITE, "new", "", 3),
    ]
    assert canonical_ids(rows) == {
        ("old", WHOLE_SITE): "new",
        ("oldest", WHOLE_SITE): "new",
        ("new", "a"): "c",
        ("new", "b"): "c",
        ("new", "x"): "y",
    }


KEY = alias_key("s", "a:b/ц")
NAMES = {"site": "s", "article_id": "a:b/ц"}


def decoded(key: bytes, value: bytes | None) -> object:
    return decode_change(key, value, timestamp=5, offset=7)


def test_alias_record_becomes_row() -> None:
    value = json.dumps({**NAMES, "alias_of": "new", "by": "cms"}).encode()
    assert decoded(KEY, value) == AliasRow("s", "a:b/ц", "new", "cms", 5 << 20 | 7)


def test_alias_record_of_a_site_has_no_article_id() -> None:
    value = json.dumps({"site": "s", "alias_of": "t"}).encode()
    assert decoded(b"alias:s:", value) == AliasRow("s", WHOLE_SITE, "t", "", 5 << 20 | 7)


@pytest.mark.parametrize(
    "value",
    [None, json.dumps({**NAMES, "deleted": True}).encode()],
    ids=["no_value", "deleted"],
)
def test_deleted_alias_becomes_row_without_target(value: bytes | None) -> None:
    assert decoded(KEY, value) == AliasRow("s", "a:b/ц", "", "", 5 << 20 | 7)


@pytest.mark.parametrize(
    "value",
    [
        b"[[[",
        b"\xff",
        json.dumps(NAMES).encode(),
        json.dumps({**NAMES, "alias_of": "a:b/ц"}).encode(),
        json.dumps({**NAMES, "alias_of": ""}).encode(),
        json.dumps({**NAMES, "alias_of": "x" * 129}).encode(),
        json.dumps({**NAMES, "article_id": "other", "alias_of": "b"}).encode(),
        json.dumps({**NAMES, "site": "other", "alias_of": "b"}).encode(),
    ],
    ids=["syntax", "not_utf8", "no_target", "itself", "empty", "long", "other_id", "other_site"],
)
def test_invalid_alias_record_is_rejected(value: bytes) -> None:
    with pytest.raises(InvalidEvent):
        decoded(KEY, value)


def test_only_aliases_may_lack_an_article_id() -> None:
    with pytest.raises(InvalidEvent, match="the key is not"):
        decoded(b"article:s:", b"{}")
