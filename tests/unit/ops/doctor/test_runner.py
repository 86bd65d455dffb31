"""Every check is heard, whatever becomes of the others."""

import threading
from collections.abc import Iterator

import pytest

from mostread.errors import KafkaUnavailable
from mostread.ops.doctor.checks.disk import GB, Room, judge
from mostread.ops.doctor.findings import Finding, Level, ok, problem, warning
from mostread.ops.doctor.report import as_json, lines, worst
from mostread.ops.doctor.runner import examine
from mostread.ops.inspection.clients import NotReachedError, Way

never = threading.Event()


def well(_: Way) -> Iterator[Finding]:
    yield ok("it is there")


def hanging(_: Way) -> Iterator[Finding]:
    never.wait()
    yield ok("at last")


def broken(_: Way) -> Iterator[Finding]:
    yield ok("so far")
    raise ZeroDivisionError("x")


def far_off(_: Way) -> Iterator[Finding]:
    raise NotReachedError("Kafka", KafkaUnavailable("away"))


def farther_off(_: Way) -> Iterator[Finding]:
    raise NotReachedError("Kafka", KafkaUnavailable("away"))


def ill(_: Way) -> Iterator[Finding]:
    yield warning("it limps", "mend it")
    yield problem("it is broken", "replace it")


def test_what_hangs_or_breaks_is_a_finding_beside_the_others() -> None:
    checks = (well, hanging, broken, far_off, farther_off, ill)
    found = examine(Way(services={}), checks, 0.5)
    never.set()
    assert [(each.name, [finding.level for finding in each.findings]) for each in found] == [
        ("well", [Level.OK]),
        ("hanging", [Level.PROBLEM]),
        ("broken", [Level.PROBLEM]),
        ("far off", [Level.SKIPPED]),
        ("farther off", [Level.SKIPPED]),
        ("ill", [Level.WARNING, Level.PROBLEM]),
    ]
    assert worst(found) is Level.PROBLEM
    told = list(lines(found, 200))
    assert "far off, farther off: not looked at, since Kafka could not be read" in told[-3]
    assert told[-1] == "3 problems, 1 warning, 2 not looked at"
    assert max(map(len, lines(found, 60))) <= 60 + len("\x1b[31m\x1b[1m\x1b[0m")
    assert as_json(found, {})["worst"] == "problem"


def test_a_healthy_way_is_told_in_one_sentence() -> None:
    found = examine(Way(services={}), (well,), 5)
    assert list(lines(found, 80))[-1] == "Nothing is wrong."
    assert worst(found) is Level.OK


@pytest.mark.parametrize(
    ("free", "total", "level"),
    [
        (200 * GB, 1000 * GB, Level.OK),
        (60 * GB, 1000 * GB, Level.OK),
        (40 * GB, 1000 * GB, Level.WARNING),
        (20 * GB, 1000 * GB, Level.PROBLEM),
        (GB // 4, GB, Level.PROBLEM),
        (5 * GB, 20 * GB, Level.OK),
    ],
)
def test_a_disk_is_judged_by_what_is_left(free: int, total: int, level: Level) -> None:
    assert judge(Room("a disk", free, total)).level is level
