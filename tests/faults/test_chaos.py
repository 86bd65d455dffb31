"""A short schedule of faults, and that schedules are repeatable."""

from pathlib import Path

import pytest

from tests.faults.chaos import chaos, faults, plan

FAULTS = faults(brokers=3)
SEED, SECONDS = 4, 60


def test_same_seed_gives_same_schedule() -> None:
    assert plan(7, 120, FAULTS) == plan(7, 120, FAULTS)
    assert plan(7, 120, FAULTS) != plan(8, 120, FAULTS)


def test_schedule_repeats_no_fault_before_all_have_run() -> None:
    planned = plan(7, 1000, FAULTS)
    first = [each.name for each in planned[: len(FAULTS) + 1]]
    assert len(set(first)) == len(FAULTS) + 1
    assert {fault.name for fault in FAULTS} <= set(first)


def test_no_part_has_two_faults_at_once() -> None:
    parts = {fault.name: fault.parts for fault in FAULTS}
    planned = [each for each in plan(7, 500, FAULTS) if each.name in parts]
    overlaps = [
        (one, other)
        for one in planned
        for other in planned
        if one is not other and one.at <= other.at < one.at + one.lasts
    ]
    assert overlaps, "faults of different parts come at once"
    assert all(not parts[one.name] & parts[other.name] for one, other in overlaps)


@pytest.mark.timeout(480)
@pytest.mark.parametrize("transport", ["fast", "stock"])
def test_short_schedule_leaves_counts_exact(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], transport: str
) -> None:
    planned = plan(SEED, SECONDS, faults(brokers=1))
    with capsys.disabled():
        problems = chaos(tmp_path, planned, seed=SEED, report=lambda _: None, transport=transport)
    assert problems == []
