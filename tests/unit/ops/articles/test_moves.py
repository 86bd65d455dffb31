"""Items of a feed that have moved, and those that only look like it."""

from pathlib import Path

import pytest

from mostread.errors import Misconfigured
from mostread.ops.articles.moves import ItemMemory, ListedItem, Move, moves


def items(*listed: str) -> list[ListedItem]:
    """Return items written as 'guid id title time'; the time may be missing."""
    return [ListedItem(*[*text.split(), ""][:4]) for text in listed]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        pytest.param(["1 /a A t"], ["1 /b A t"], [Move("/a", "/b")], id="moved"),
        pytest.param(["1 /a A t"], ["1 /b B t"], [Move("/a", "/b")], id="moved_with_new_title"),
        pytest.param(["1 /a A t"], ["1 /b A u"], [Move("/a", "/b")], id="moved_with_new_time"),
        pytest.param(["1 /a A"], ["1 /b B"], [], id="without_time_and_with_new_title"),
        pytest.param(["1 /a A t"], ["1 /a B t"], [], id="same_address"),
        pytest.param(["1 /a A t"], ["2 /b A t"], [], id="other_guid"),
        pytest.param(["1 /a A t"], ["1 /b B u"], [], id="guid_of_another_article"),
        pytest.param(["1 /a A t"], ["1 /b A t", "2 /a A t"], [], id="former_address_is_listed"),
        pytest.param(["1 /a A t", "2 /b B t"], ["1 /b B t"], [], id="new_address_was_listed"),
        pytest.param(["1 /a A t"], ["1 /b A t", "1 /c A t"], [], id="guid_occurs_twice"),
        pytest.param(
            ["1 /a A t", "2 /b B t", "3 /c C t"],
            ["1 /d D t", "2 /a A t", "3 /b B t"],
            [],
            id="numbered_items",
        ),
    ],
)
def test_item_has_moved_only_if_nothing_speaks_against_it(
    before: list[str], after: list[str], expected: list[Move]
) -> None:
    known = {item.guid: item for item in items(*before)}
    assert moves(known, items(*after)) == expected


def test_items_are_remembered_over_restarts_by_site_and_feed(tmp_path: Path) -> None:
    file = str(tmp_path / "new" / "items.sqlite3")
    first, second = items("1 /a A t"), items("1 /b B t")
    memory = ItemMemory(file)
    memory.remember("s", "feed", first, 1000)
    memory.remember("s", "other", second, 1000)
    memory.close()
    memory = ItemMemory(file)
    assert list(memory.known("s", "feed").values()) == first
    assert list(memory.known("s", "other").values()) == second
    assert memory.known("t", "feed") == {}
    memory.remember("s", "feed", second, 1001)
    assert list(memory.known("s", "feed").values()) == second
    memory.remember("s", "feed", [], 1001 + 91 * 86_400)
    assert memory.known("s", "feed") == {}
    memory.close()


def test_file_that_cannot_be_used_names_its_setting(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="MOSTREAD_ARTICLES_STATE_FILE"):
        ItemMemory(str(tmp_path))
    (tmp_path / "text").write_text("not a database, " * 100)
    with pytest.raises(Misconfigured, match="MOSTREAD_ARTICLES_STATE_FILE"):
        ItemMemory(str(tmp_path / "text"))
