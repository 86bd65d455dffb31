"""Doctor checks run independently, and are reported together."""

import threading
from collections.abc import Iterator

import pytest

from mostread.errors import KafkaUnavailable
from mostread.ops.doctor.checks.disk import GB, DiskUsage, check_disk
from mostread.ops.doctor.findings import Finding, Level, ok, problem, warning
from mostread.ops.doctor.report import as_json, report_lines, worst_level
from mostread.ops.doctor.runner import run_checks
from mostread.ops.inspection.clients import DependencyUnavailable, SystemClients

never = threading.Event()


def healthy(_: SystemClients) -> Iterator[Finding]:
    yield ok("it exists")


def hanging(_: SystemClients) -> Iterator[Finding]:
    never.wait()
    yield ok("at last")


def broken(_: SystemClients) -> Iterator[Finding]:
    yield ok("so far")
    raise ZeroDivisionError("x")


def unreachable(_: SystemClients) -> Iterator[Finding]:
    raise DependencyUnavailable("Kafka", KafkaUnavailable("connection refused"))


def also_unreachable(_: SystemClients) -> Iterator[Finding]:
    raise DependencyUnavailable("Kafka", KafkaUnavailable("connection refused"))


def unhealthy(_: SystemClients) -> Iterator[Finding]:
    yield warning("it is slow", "tune it")
    yield problem("it is broken", "replace it")


def test_run_checks_reports_hanging_and_failing_checks_with_the_others() -> None:
    checks = (healthy, hanging, broken, unreachable, also_unreachable, unhealthy)
    results = run_checks(SystemClients(services={}), checks, 0.5)
    never.set()
    assert [
        (result.name, [finding.level for finding in result.findings]) for result in results
    ] == [
        ("healthy", [Level.OK]),
        ("hanging", [Level.PROBLEM]),
        ("broken", [Level.PROBLEM]),
        ("unreachable", [Level.SKIPPED]),
        ("also unreachable", [Level.SKIPPED]),
        ("unhealthy", [Level.WARNING, Level.PROBLEM]),
    ]
    assert worst_level(results) is Level.PROBLEM
    lines = list(report_lines(results, 200))
    skipped = "unreachable, also unreachable: not checked, since Kafka could not be read"
    assert skipped in lines[-3]
    assert lines[-1] == "3 problems, 1 warning, 2 skipped"
    assert max(map(len, report_lines(results, 60))) <= 60 + len("\x1b[31m\x1b[1m\x1b[0m")
    assert as_json(results, {})["worst"] == "problem"


def test_report_of_healthy_system_says_no_problems() -> None:
    results = run_checks(SystemClients(services={}), (healthy,), 5)
    assert list(report_lines(results, 80))[-1] == "No problems found."
    assert worst_level(results) is Level.OK


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
def test_check_disk_level_by_free_space(free: int, total: int, level: Level) -> None:
    finding = check_disk(DiskUsage("a disk", free, total), "Delete something.")
    assert finding.level is level
    assert finding.advice == ("" if level is Level.OK else "Delete something.")
