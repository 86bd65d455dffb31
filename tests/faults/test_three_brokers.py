"""Three brokers of which some fail, under traffic: what was answered with 202 is counted once.

`make chaos BROKERS=3` plays all faults of clusters; these are the most different ones.
"""

import os
import random
import time
from collections.abc import Iterator

import pytest

from tests.faults import cluster_faults
from tests.faults.fault import Fault
from tests.faults.rig import Mostread, running_mostread
from tests.faults.verdict import audit, differences

CHOSEN = (
    cluster_faults.two_killed,
    cluster_faults.straggler_returns_alone,
    cluster_faults.rolling_restart,
    cluster_faults.leaders_moved,
    cluster_faults.one_silent,
    cluster_faults.controller_and_broker_killed,
)
REFUSING = (cluster_faults.two_killed, cluster_faults.straggler_returns_alone)


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mostread]:
    directory, transport = tmp_path_factory.mktemp("brokers"), os.environ.get("TRANSPORT", "fast")
    with running_mostread(directory, seed=1, transport=transport, brokers=3) as rig:
        rig.traffic.start()
        yield rig
        rig.traffic.stop()


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "fault",
    [fault for fault in cluster_faults.FAULTS if fault.play in CHOSEN],
    ids=lambda fault: fault.name,
)
def test_fault_of_brokers_leaves_counts_exact(rig: Mostread, fault: Fault[Mostread]) -> None:
    rig.traffic.go_on()
    ledger = rig.traffic.ledger
    accepted, given_up = len(ledger.accepted), ledger.given_up
    with fault.play(rig, random.Random(fault.name)):
        time.sleep(fault.lasts[0])
    rig.wait_ready()
    rig.wait(lambda: len(ledger.accepted) > accepted + 100, "events are accepted again")
    rig.traffic.pause()
    assert differences(rig, ledger) == []
    if fault.play in REFUSING:
        assert ledger.given_up > given_up, "events are refused while two brokers are down"


def test_audit_finds_no_difference_after_faults_of_brokers(rig: Mostread) -> None:
    code, output = audit(rig.system)
    assert code == 0, output
