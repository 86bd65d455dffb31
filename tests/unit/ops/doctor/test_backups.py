"""The doctor's check of a folder of backups, without Kafka."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mostread.ops.backup.archive import Manifest, new_backup, write_manifest
from mostread.ops.doctor.checks.backups import backups
from mostread.ops.doctor.findings import Finding, Level
from mostread.ops.inspection.clients import SystemClients

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
EMPTY = Manifest(
    mostread="0.1.0", created_at="", database="", epoch=0, migrations={}, tables={}, files=()
)


def find(folder: Path | None, monkeypatch: pytest.MonkeyPatch) -> list[Finding]:
    monkeypatch.setenv("MOSTREAD_KAFKA_BROKERS", "127.0.0.1:9")
    milliseconds = int(NOW.timestamp() * 1000)
    return list(backups(SystemClients(services={}, backups=folder, now_ms=lambda: milliseconds)))


def test_no_folder_is_no_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    assert find(None, monkeypatch) == []


def test_folder_without_a_complete_backup_is_a_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "2026-11-29T110000Z.unfinished").mkdir()
    for folder in (tmp_path, tmp_path / "missing"):
        (finding,) = find(folder, monkeypatch)
        assert finding.level is Level.PROBLEM
        assert finding.message == f"{folder} has no complete backup"


@pytest.mark.parametrize(
    ("hours", "level", "age"),
    [(1, Level.OK, "1 h"), (36, Level.OK, "36 h"), (80, Level.WARNING, "3 days")],
)
def test_age_of_the_newest_backup_is_reported(
    hours: int, level: Level, age: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for each in (hours, 200):
        with new_backup(tmp_path, NOW - timedelta(hours=each)) as unfinished:
            write_manifest(unfinished, EMPTY)
    (finding,) = find(tmp_path, monkeypatch)
    assert finding.level is level
    assert f"is {age} old" in finding.message
