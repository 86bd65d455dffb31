"""Each fault alone, under traffic: what was answered with 202 is counted once, and no more."""

import os
import random
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.faults import exclusion_faults, forget_faults, hostile_faults
from tests.faults.chaos import FAULTS
from tests.faults.fault import Fault
from tests.faults.rig import Mostread, running_mostread
from tests.faults.verdict import differences

BEFORE_SECONDS, AFTER_SECONDS = 1.0, 1.0


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mostread]:
    """One system for all: the ledger grows from fault to fault."""
    directory, transport = tmp_path_factory.mktemp("faults"), os.environ.get("TRANSPORT", "fast")
    with running_mostread(directory, seed=1, transport=transport) as rig:
        rig.traffic.start()
        yield rig
        rig.traffic.stop()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("fault", [*FAULTS, *exclusion_faults.FAULTS], ids=lambda fault: fault.name)
def test_fault_leaves_counts_exact(rig: Mostread, fault: Fault[Mostread]) -> None:
    rig.traffic.go_on()
    before = len(rig.traffic.ledger.accepted)
    time.sleep(BEFORE_SECONDS)
    with fault.play(rig, random.Random(fault.name)):
        if not fault.parts & forget_faults.PARTS:
            forget_faults.forget(rig, forget_faults.ARTICLES[0])
        time.sleep(fault.lasts[0] + 0.5)
    assert not rig.missed
    rig.wait_ready()
    time.sleep(AFTER_SECONDS)
    rig.traffic.pause()
    assert len(rig.traffic.ledger.accepted) > before + 100, "there was traffic"
    assert differences(rig, rig.traffic.ledger) == []


@pytest.mark.timeout(300)
def test_forget_of_article_and_site_leaves_counts_exact(rig: Mostread) -> None:
    rig.traffic.go_on()
    forgotten = len(rig.traffic.ledger.forgotten)
    with forget_faults.forgotten_twice(rig, random.Random(1)):
        time.sleep(AFTER_SECONDS)
    rig.traffic.pause()
    assert len(rig.traffic.ledger.forgotten) > forgotten, "there was something to forget"
    assert differences(rig, rig.traffic.ledger) == []


@pytest.mark.timeout(300)
def test_worker_stops_in_time_during_kafka_outage(rig: Mostread) -> None:
    rig.traffic.go_on()
    for number, seconds in enumerate((1.5, 5)):
        rig.wait_ready()
        rig.kafka_line.refuse()
        time.sleep(seconds)
        worker = rig.workers.one(number)
        rig.workers.stop(worker)
        rig.kafka_line.pass_on()
        rig.workers.start(worker)
    rig.traffic.pause()
    assert differences(rig, rig.traffic.ledger) == []


def test_verdict_detects_a_single_event(rig: Mostread) -> None:
    rig.traffic.go_on()
    rig.wait(lambda: len(rig.traffic.ledger.accepted) > 100, "there is traffic")
    rig.traffic.pause()
    assert differences(rig, rig.traffic.ledger) == []
    accepted = dict(rig.traffic.ledger.accepted)
    _, event = accepted.popitem()
    problems = differences(rig, replace(rig.traffic.ledger, accepted=accepted))
    assert any("'total', 0" in line and event.article_id in line for line in problems)
    assert any(line.startswith("counted, late, dead") for line in problems)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("fault", hostile_faults.FAULTS, ids=lambda fault: fault.name)
def test_hostile_burst_leaves_counts_exact(rig: Mostread, fault: Fault[Mostread]) -> None:
    rig.traffic.go_on()
    bursts = rig.traffic.ledger.bursts
    with fault.play(rig, random.Random(fault.name)):
        time.sleep(AFTER_SECONDS)
    rig.wait_ready()
    rig.traffic.pause()
    assert rig.traffic.ledger.bursts == bursts + 1
    assert differences(rig, rig.traffic.ledger) == []
