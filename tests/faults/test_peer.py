"""Verdicts about the peer; `make chaos PEER=faust` runs it."""

from tests.faults.chaos import plan
from tests.faults.peers.run import FAULTS, Loss, loss


def test_verdict_counts_lost_and_doubled_events() -> None:
    result = loss({"a": 5, "b": 2, "c": 1}, {"a": 3, "b": 4, "c": 1}, in_log=8, caught_up=True)
    assert result == Loss(
        acknowledged=8, in_log=8, lost=2, doubled=2, wrong_keys=2, keys=3, caught_up=True
    )


def test_peer_meets_faults_of_same_schedule() -> None:
    names = {fault.name for fault in FAULTS}
    met = [each.name for each in plan(5, 300) if each.name in names]
    assert set(met) == names
