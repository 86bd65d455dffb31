"""The table of ids against a plain dict."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mostread.core.counting.dedup import GENERATIONS_BACK, DuplicateWindow


class PlainWindow:
    def __init__(self) -> None:
        self.last: dict[str, int] = {}

    def observe(self, ids: list[str], generation: int) -> list[bool]:
        seen = []
        for each in ids:
            last = self.last.get(each, -1_000) if each else -1_000
            seen.append(generation - last <= GENERATIONS_BACK)
            self.last[each] = generation
        return seen


batches = st.lists(
    st.tuples(
        st.lists(st.sampled_from(["", *"abcdefghij"]), max_size=12),
        st.sampled_from([0, 0, 1, GENERATIONS_BACK, GENERATIONS_BACK + 1, 300]),
    ),
    max_size=15,
)


@given(batches)
def test_it_knows_what_a_dict_knows(batches: list[tuple[list[str], int]]) -> None:
    window, plain, generation = DuplicateWindow(), PlainWindow(), 5_966_666
    for ids, later in batches:
        generation += later
        assert window.observe(ids, generation).tolist() == plain.observe(ids, generation)


@pytest.mark.parametrize(("batch", "times"), [(300, 400), (3_000, 12), (50_000, 12)])
def test_it_knows_many_ids_while_it_grows_and_forgets(batch: int, times: int) -> None:
    chance = random.Random(batch)
    window, plain, generation = DuplicateWindow(), PlainWindow(), 100
    for _ in range(times):
        ids = [f"{chance.randrange(batch * times):x}" for _ in range(batch)]
        assert window.observe(ids, generation).tolist() == plain.observe(ids, generation)
        generation += chance.choice([0, 0, 1] if times > 100 else [0, 1, 2])
    remembered = sum(generation - last <= GENERATIONS_BACK for last in plain.last.values())
    assert len(window) >= remembered


def test_memory_is_bounded_by_the_ids_of_the_window() -> None:
    window = DuplicateWindow()
    largest = 0
    for generation in range(100):
        window.observe([f"{generation}-{n}" for n in range(10_000)], generation)
        largest = max(largest, window.nbytes)
    assert largest <= 80 * 10_000 * (GENERATIONS_BACK + 2)
    for number in range(20):
        window.observe([f"{number}"], 200)
    assert window.nbytes < 100_000, "what was forgotten gives its memory back"
