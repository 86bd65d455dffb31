"""Verdict: rows of ClickHouse compared with the ledger, to the last event."""

import os
import subprocess
import sys
from collections.abc import Iterator

from kafka.errors import OffsetNotAvailableError

from mostread.infra.clickhouse.client import connect
from mostread.ops.audit.reference import recount
from tests.faults.hostile import GOOD_ARTICLE
from tests.faults.ledger import Key, Ledger, Numbers
from tests.faults.log import ends, topic_of
from tests.faults.rig import Mostread
from tests.faults.traffic import ARTICLE
from tests.support.system import System, wait_until

ZERO: Numbers = (0, 0, 0)


def against_recount(system: System) -> None:
    """Wait until all is counted, and hold it against a plain recount of the log, partition by
    partition.
    """
    wait_until(lambda: is_counted(system), "all records are counted", 120)
    truth = {number: recount(records) for number, records in system.log().items() if records}
    outcomes = {number: each.outcomes for number, each in truth.items()}
    assert system.outcomes() == outcomes, f"{system.outcomes()} and not {outcomes}"
    counted = system.counters()
    for number, each in truth.items():
        wrong = list(_wrong_counters(counted.get(number, {}), each.counters))
        assert not wrong, f"partition {number}: {wrong[:20]}"


def is_counted(system: System) -> bool:
    """Whether the topic is counted to its end."""
    client = connect(system.clickhouse)
    try:
        rows = client.query(
            "SELECT partition, next_offset FROM checkpoint_versions FINAL"
            " WHERE topic_id = {id:UUID}",
            parameters={"id": str(topic_of(system).id)},
        ).result_rows
    finally:
        client.close()
    reached = dict(rows)
    try:
        return all(reached.get(number, 0) >= end for number, end in ends(system).items())
    except OffsetNotAvailableError:  # a new leader does not know its end yet
        return False


def is_deleted(system: System) -> bool:
    """Whether ClickHouse has deleted the rows of earlier topics that forgets name."""
    client = connect(system.clickhouse)
    try:
        ((unfinished,),) = client.query(
            "SELECT count() FROM system.mutations"
            " WHERE database = currentDatabase() AND NOT is_done"
        ).result_rows
    finally:
        client.close()
    return not unfinished


def all_counted(rig: Mostread) -> bool:
    return is_counted(rig.system)


def differences(rig: Mostread, ledger: Ledger) -> list[str]:
    """Wait until all is counted, and return each counter and outcome that is wrong."""
    rig.wait_ready()
    rig.wait(lambda: all_counted(rig), "all records are counted", 180)
    rig.wait(lambda: is_deleted(rig.system), "ClickHouse has deleted what is forgotten", 180)
    counted = _counters(rig)
    if not ledger.bursts:
        return [*_wrong_counters(counted, ledger.counters()), *_wrong_outcomes(rig, ledger)]
    # The audit checks the rest of the bursts.
    traffic = {key: numbers for key, numbers in counted.items() if key[3].startswith(ARTICLE)}
    good = {
        key: numbers
        for key, numbers in counted.items()
        if key[1] == "total" and key[3].startswith(GOOD_ARTICLE)
    }
    expected: dict[Key, Numbers] = {
        ("default", "total", 0, article): (views, 0, 0)
        for article, views in ledger.burst_views.items()
    }
    return [
        *_wrong_counters(traffic, ledger.counters()),
        *_wrong_counters(good, expected),
        *_wrong_sums(rig),
    ]


def _counters(rig: Mostread) -> dict[Key, Numbers]:
    client = connect(rig.system.clickhouse)
    rows = client.query(
        "SELECT site, toString(grain), toUnixTimestamp(window), article_id,"
        " sum(views), sum(comments), sum(likes)"
        " FROM counter_versions FINAL GROUP BY site, grain, window, article_id"
    ).result_rows
    client.close()
    return {(row[0], row[1], row[2], row[3]): (row[4], row[5], row[6]) for row in rows}


def _wrong_counters(counted: dict[Key, Numbers], truth: dict[Key, Numbers]) -> Iterator[str]:
    # A forget leaves rows of zeros.
    for key in sorted(counted.keys() | truth.keys()):
        if counted.get(key, ZERO) != truth.get(key, ZERO):
            yield f"{key}: counted {counted.get(key)}, and not {truth.get(key)}"


def _outcomes(rig: Mostread) -> tuple[int, ...]:
    client = connect(rig.system.clickhouse)
    (row,) = client.query(
        "SELECT sum(received), sum(counted), sum(duplicate), sum(late), sum(dead_lettered),"
        " sum(excluded) FROM checkpoint_versions FINAL"
    ).result_rows
    client.close()
    return tuple(row)


def _wrong_sums(rig: Mostread) -> Iterator[str]:
    received, *outcomes = _outcomes(rig)
    if received != sum(outcomes):
        yield f"received {received} is not the sum of {outcomes}"


def _wrong_outcomes(rig: Mostread, ledger: Ledger) -> Iterator[str]:
    _, counted, duplicate, late, dead, _ = _outcomes(rig)
    in_time = len(ledger.accepted) - ledger.late()
    if (counted, late, dead) != (in_time, ledger.late(), 0):
        yield f"counted, late, dead: {(counted, late, dead)}; sent {(in_time, ledger.late(), 0)}"
    yield from _wrong_sums(rig)
    if duplicate < ledger.repeated:
        yield f"{duplicate} duplicates, but {ledger.repeated} were sent"


def audit(system: System) -> tuple[int, str]:
    """Return what `mostread audit` says: its exit code and its words."""
    ran = subprocess.run(
        [sys.executable, "-m", "mostread", "audit"],
        env={**os.environ, **system.environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    return ran.returncode, ran.stdout + ran.stderr
