"""Placing: pinned articles at their ranks, the others in order between them."""

from hypothesis import given
from hypothesis import strategies as st

from mostread.core.ranking.ordering import place, place_some


def titles(pinned: list[tuple[int, str]], others: str) -> str:
    return "".join(at.article for at in place(pinned, others))


def test_place_without_pins_keeps_order() -> None:
    assert titles([], "abc") == "abc"


def test_place_puts_pin_at_its_rank() -> None:
    assert titles([(1, "X")], "abc") == "Xabc"
    assert titles([(3, "X")], "abc") == "abXc"
    assert titles([(1, "X"), (3, "Y")], "abc") == "XaYbc"


def test_place_puts_second_pin_of_rank_below_first() -> None:
    assert titles([(2, "X"), (2, "Y"), (3, "Z")], "abc") == "aXYZbc"


def test_place_puts_pin_last_in_short_list() -> None:
    assert titles([(7, "X")], "ab") == "abX"
    assert titles([(5, "X"), (9, "Y")], "") == "XY"


def test_place_marks_only_pins() -> None:
    assert [(at.rank, at.pinned) for at in place([(2, "X")], "ab")] == [
        (1, False),
        (2, True),
        (3, False),
    ]


@given(st.lists(st.integers(1, 30)).map(sorted), st.integers(0, 30))
def test_place_keeps_all_articles_in_order(ranks: list[int], others: int) -> None:
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
def test_place_some_assigns_same_ranks_as_place(
    ranks: list[int], others: int, known: set[int]
) -> None:
    pinned = enumerate_pins(ranks)
    articles = {n: f"other {n}" for n in range(1, others + 1)}
    some = {n: article for n, article in articles.items() if n in known}
    visible = {*some.values(), *(article for _, article in pinned)}
    expected = [at for at in place(pinned, articles.values()) if at.article in visible]
    assert list(place_some(pinned, some.items(), others)) == expected
