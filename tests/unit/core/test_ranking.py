"""Pinned articles stand at their rank; the others keep their order between them."""

from hypothesis import given
from hypothesis import strategies as st

from mostread.core.ranking.ordering import place, place_some


def titles(pinned: list[tuple[int, str]], others: str) -> str:
    return "".join(at.article for at in place(pinned, others))


def test_without_pins_the_order_stays() -> None:
    assert titles([], "abc") == "abc"


def test_a_pin_stands_at_its_rank() -> None:
    assert titles([(1, "X")], "abc") == "Xabc"
    assert titles([(3, "X")], "abc") == "abXc"
    assert titles([(1, "X"), (3, "Y")], "abc") == "XaYbc"


def test_of_two_pins_to_one_rank_the_second_stands_below() -> None:
    assert titles([(2, "X"), (2, "Y"), (3, "Z")], "abc") == "aXYZbc"


def test_in_a_short_list_a_pin_ends_it() -> None:
    assert titles([(7, "X")], "ab") == "abX"
    assert titles([(5, "X"), (9, "Y")], "") == "XY"


def test_only_pins_are_marked() -> None:
    assert [(at.rank, at.pinned) for at in place([(2, "X")], "ab")] == [
        (1, False),
        (2, True),
        (3, False),
    ]


@given(st.lists(st.integers(1, 30)).map(sorted), st.integers(0, 30))
def test_nothing_is_lost_or_moved_up(ranks: list[int], others: int) -> None:
    placed = list(place(enumerate_pins(ranks), [f"other {n}" for n in range(others)]))
    assert [at.rank for at in placed] == list(range(1, len(ranks) + others + 1))
    assert [at.article for at in placed if not at.pinned] == [f"other {n}" for n in range(others)]
    at_rank = {at.article: at.rank for at in placed}
    length = len(placed)
    for rank, article in enumerate_pins(ranks):
        assert at_rank[article] >= min(rank, length - len(ranks) + 1)


def enumerate_pins(ranks: list[int]) -> list[tuple[int, str]]:
    return [(rank, f"pin {n}") for n, rank in enumerate(ranks)]


@given(st.lists(st.integers(1, 30)).map(sorted), st.integers(0, 30), st.sets(st.integers(1, 30)))
def test_who_knows_only_some_of_them_knows_their_ranks(
    ranks: list[int], others: int, known: set[int]
) -> None:
    pinned = enumerate_pins(ranks)
    articles = {n: f"other {n}" for n in range(1, others + 1)}
    some = {n: article for n, article in articles.items() if n in known}
    seen = {*some.values(), *(article for _, article in pinned)}
    whole = [at for at in place(pinned, articles.values()) if at.article in seen]
    assert list(place_some(pinned, some.items(), others)) == whole
