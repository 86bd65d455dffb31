"""DedupWindow against a plain dict."""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from mostread.core.counting.dedup import DedupWindow, identities
from mostread.core.events import Event
from mostread.core.retention import DEDUP_BUCKETS


def observe(window: DedupWindow, ids: list[str], bucket: int) -> NDArray[np.bool_]:
    return window.observe([hash(each) for each in ids], bucket)


class PlainWindow:
    def __init__(self) -> None:
        self.last: dict[str, int] = {}

    def observe(self, ids: list[str], bucket: int) -> list[bool]:
        duplicates = []
        for each in ids:
            last = self.last.get(each, -1_000) if each else -1_000
            duplicates.append(bucket - last <= DEDUP_BUCKETS)
            self.last[each] = bucket
        return duplicates


batches = st.lists(
    st.tuples(
        st.lists(st.sampled_from(["", *"abcdefghij"]), max_size=12),
        st.sampled_from([0, 0, 1, DEDUP_BUCKETS, DEDUP_BUCKETS + 1, 300]),
    ),
    max_size=15,
)


@given(batches)
def test_duplicates_match_plain_dict(batches: list[tuple[list[str], int]]) -> None:
    window, plain, bucket = DedupWindow(), PlainWindow(), 5_966_666
    for ids, later in batches:
        bucket += later
        assert observe(window, ids, bucket).tolist() == plain.observe(ids, bucket)


@pytest.mark.parametrize(("batch", "times"), [(300, 400), (3_000, 12), (50_000, 12)])
def test_duplicates_match_plain_dict_while_table_grows_and_shrinks(batch: int, times: int) -> None:
    chance = random.Random(batch)
    window, plain, bucket = DedupWindow(), PlainWindow(), 100
    for _ in range(times):
        ids = [f"{chance.randrange(batch * times):x}" for _ in range(batch)]
        assert observe(window, ids, bucket).tolist() == plain.observe(ids, bucket)
        bucket += chance.choice([0, 0, 1] if times > 100 else [0, 1, 2])
    remembered = sum(bucket - last <= DEDUP_BUCKETS for last in plain.last.values())
    assert len(window) >= remembered


def test_memory_follows_ids_in_window() -> None:
    window = DedupWindow()
    largest = 0
    for bucket in range(100):
        observe(window, [f"{bucket}-{n}" for n in range(10_000)], bucket)
        largest = max(largest, window.nbytes)
    assert largest <= 80 * 10_000 * (DEDUP_BUCKETS + 2)
    for number in range(20):
        observe(window, [f"{number}"], 200)
    assert window.nbytes < 100_000, "expired ids free their memory"


def test_ids_are_known_while_the_table_is_replaced() -> None:
    window = DedupWindow()
    observe(window, [f"old-{n}" for n in range(200_000)], 0)
    observe(window, ["new"], 1)
    assert len(window) >= 200_001, "ids that are not moved yet count"
    many = [f"more-{n}" for n in range(300_000)]
    assert not observe(window, many, 1).any()
    assert observe(window, ["old-0", "old-199999", "new", *many[:5]], 1).all()


def test_table_grows_again_before_the_previous_one_is_moved() -> None:
    window = DedupWindow()
    observe(window, [f"expired-{n}" for n in range(400_000)], 0)
    observe(window, ["kept"], 200)
    ids = [f"new-{n}" for n in range(20_000)]
    assert not observe(window, ids, 200).any()
    assert observe(window, ["kept", *ids[:5]], 200).all()
    assert not observe(window, ["expired-0"], 200).any()


def test_identity_of_an_event_is_its_site_article_type_delta_and_id() -> None:
    same = [Event("like", "a", "5", timestamp=1, visitor="v"), Event("like", "a", "5")]
    others = [
        Event("comment", "a", "5"),
        Event("like", "b", "5"),
        Event("like", "a", "6"),
        Event("like", "a", "~5"),
        Event("like", "a", "5", site="news"),
        Event("like", "a", "5", delta=-1),
        Event("like", "5", "a"),
    ]
    hashes = identities([*same, *others])
    assert hashes[0] == hashes[1]
    assert len(set(hashes)) == 1 + len(others)
    duplicate = DedupWindow().observe(hashes, 100).tolist()
    assert duplicate == [False, True] + [False] * len(others)


def test_event_without_an_id_is_never_a_duplicate() -> None:
    assert identities([Event("like", "a"), Event("like", "a")]) == [0, 0]
