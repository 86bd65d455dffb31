"""Exclusions: which are in effect, and which events they leave out."""

from collections.abc import Sequence

import pytest

from mostread.core.counting.batch import AllowedLateness, Outcomes
from mostread.core.counting.exclusions import NO_EXCLUSIONS, Exclusions
from mostread.core.counting.partition import PartitionCounter
from mostread.core.exclusions import PENDING, Exclusion, ExclusionEntry, in_effect
from mostread.core.records import LogRecord
from mostread.ops.audit.reference import recount

NOON = 1_790_337_600_000  # 2026-09-25T12:00:00Z
MINUTE, DAY = 60_000, 86_400_000
ATTACK = Exclusion("1", "default", "a", NOON, NOON + MINUTE, "")


def entry(exclusion: Exclusion, action: str = "add", epoch: int = PENDING) -> ExclusionEntry:
    return ExclusionEntry(exclusion, action, "an attack", "operator", NOON, epoch)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("entries", "epoch", "expected"),
    [
        ([], 0, ()),
        ([entry(ATTACK)], 7, ()),
        ([entry(ATTACK)], PENDING, (ATTACK,)),
        ([entry(ATTACK, epoch=8)], 7, ()),
        ([entry(ATTACK, epoch=8)], 8, (ATTACK,)),
        ([entry(ATTACK, epoch=8), entry(ATTACK, "remove", 9)], 8, (ATTACK,)),
        ([entry(ATTACK, epoch=8), entry(ATTACK, "remove", 9)], 9, ()),
        ([entry(ATTACK, epoch=8), entry(ATTACK, "remove")], 9, (ATTACK,)),
        ([entry(ATTACK, epoch=8), entry(ATTACK, "remove", 8)], 8, ()),
        ([entry(ATTACK), entry(ATTACK, "remove")], PENDING, ()),
        (
            [entry(ATTACK, epoch=8), entry(ATTACK._replace(id="0"), epoch=8)],
            8,
            (ATTACK._replace(id="0"), ATTACK),
        ),
    ],
)
def test_exclusion_is_in_effect_from_its_epoch_until_that_of_its_removal(
    entries: Sequence[ExclusionEntry], epoch: int, expected: tuple[Exclusion, ...]
) -> None:
    assert in_effect(entries, epoch) == expected


def outcomes(*records: tuple[int, str], exclusion: Exclusion = ATTACK) -> dict[str, int]:
    """Count records of (milliseconds after noon, value) with an exclusion; omit zeros."""
    log = [LogRecord(n, NOON + at, value.encode()) for n, (at, value) in enumerate(records)]
    partition = PartitionCounter(
        None,
        lateness=AllowedLateness(),
        counter_capacity=10,
        exclusions=Exclusions([exclusion]),
    )
    partition.count(log)
    batch = partition.close()
    assert batch is not None
    counted = {name: number for name, number in vars(batch.outcomes).items() if number}
    reference = recount(log, exclusions=[exclusion])
    assert counted == reference.outcomes
    numbers = {tuple(key): counter[:3] for key, counter in batch.apply({}).counters}
    assert numbers == reference.counters
    return counted


def view(**fields: object) -> str:
    more = "".join(f',"{name}":{value}' for name, value in fields.items())
    return f'{{"type":"view","article_id":"a"{more}}}'


EXCLUDED, COUNTED = {"received": 1, "excluded": 1}, {"received": 1, "counted": 1}


@pytest.mark.parametrize(
    ("at", "value", "expected"),
    [
        (0, view(), EXCLUDED),
        (MINUTE - 1, view(), EXCLUDED),
        (-1, view(), COUNTED),
        (MINUTE, view(), COUNTED),
        (MINUTE, view(timestamp=NOON + MINUTE - 1), EXCLUDED),
        (0, view(timestamp=NOON - 1), COUNTED),
        # Up to a minute ahead an event counts at its own time, further ahead at its record's.
        (-MINUTE, view(timestamp=NOON), EXCLUDED),
        (-MINUTE - 1, view(timestamp=NOON), COUNTED),
        (0, view(timestamp=NOON + DAY), EXCLUDED),
        (DAY + 1, view(timestamp=NOON), EXCLUDED),
        (2 * DAY, view(timestamp=NOON - 1), {"received": 1, "late": 1}),
        (0, view(site='"other"'), COUNTED),
        (0, '{"type":"view","article_id":"b"}', COUNTED),
        (0, '{"type":"like","article_id":"a","delta":-1}', EXCLUDED),
        (0, "{", {"received": 1, "dead_lettered": 1}),
    ],
)
def test_exclusion_leaves_out_events_by_the_time_at_which_they_count(
    at: int, value: str, expected: dict[str, int]
) -> None:
    assert outcomes((at, value)) == expected


@pytest.mark.parametrize(("visitor", "expected"), [("v", EXCLUDED), ("w", COUNTED)])
def test_exclusion_of_a_visitor_leaves_out_only_that_visitor(
    visitor: str, expected: dict[str, int]
) -> None:
    exclusion = ATTACK._replace(visitor="v")
    assert outcomes((0, view(visitor=f'"{visitor}"')), exclusion=exclusion) == expected
    assert outcomes((0, view()), exclusion=exclusion) == COUNTED


def test_exclusion_without_article_leaves_out_the_whole_site() -> None:
    exclusion = ATTACK._replace(article_id="")
    other = '{"type":"view","article_id":"b"}\n{"type":"view","article_id":"b","site":"other"}'
    expected = {"received": 2, "excluded": 1, "counted": 1}
    assert outcomes((0, other), exclusion=exclusion) == expected


def test_copy_of_an_excluded_event_is_a_duplicate() -> None:
    expected = {"received": 3, "excluded": 1, "duplicate": 2}
    copies = [(0, view(id='"x"')), (0, view(id='"x"')), (2 * MINUTE, view(id='"x"'))]
    assert outcomes(*copies) == expected


def test_excluded_views_are_not_sampled_for_visitor_sketches() -> None:
    partition = PartitionCounter(
        None,
        lateness=AllowedLateness(),
        counter_capacity=10,
        sketch_capacity=10,
        exclusions=Exclusions([ATTACK]),
    )
    lines = (view(visitor='"v"'), view(visitor='"v"', timestamp=NOON - 1))
    value = "\n".join(lines)
    partition.count([LogRecord(0, NOON, value.encode())])
    batch = partition.close()
    assert batch is not None
    assert [each.views for _, each in batch.apply({}).sketches] == [1]
    assert batch.outcomes == Outcomes(received=2, counted=1, excluded=1)


def test_no_exclusions_are_false() -> None:
    assert not NO_EXCLUSIONS
    assert Exclusions([ATTACK])
