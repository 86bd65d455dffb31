"""The version, and the section of the changelog that a release needs."""

import shutil
from pathlib import Path

import click
import pytest

from tools import version


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the files that state the version, and of the changelog."""
    for name in {name for name, _ in version.stated()} | {version.CHANGELOG}:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(version.ROOT / name, tmp_path / name)
    return tmp_path


def test_every_file_states_the_version_of_pyproject() -> None:
    stated = list(version.stated())
    assert {name.partition("/")[0] for name, _ in stated} == {
        *("pyproject.toml", "packages", "deploy", "docs"),
    }
    assert {each for _, each in stated} == {version.current()}


def test_set_version_changes_every_file_and_dates_the_changes(copy: Path) -> None:
    before = list(version.stated(copy))
    assert version.changes("9.8.7", copy) == ""
    version.set_version("9.8.7", copy)
    assert version.current(copy) == "9.8.7"
    assert list(version.stated(copy)) == [(name, "9.8.7") for name, _ in before]
    changelog = (copy / version.CHANGELOG).read_text()
    assert "## [Unreleased]\n\n## [9.8.7] - 20" in changelog
    assert version.changes("9.8.7", copy) in changelog
    assert "### Added" in version.changes("9.8.7", copy)


def test_changes_end_at_the_previous_version(tmp_path: Path) -> None:
    (tmp_path / version.CHANGELOG).write_text(
        "# Changelog\n\n## [Unreleased]\n\n## [1.1.0] - 2026-02-01\n\nNew.\n\n"
        "## [1.0.0] - 2026-01-01\n\nFirst.\n\n## [0.9.0]\n\nNever released.\n"
    )
    assert version.changes("1.1.0", tmp_path) == "New."
    assert version.changes("1.0.0", tmp_path) == "First."
    assert version.changes("0.9.0", tmp_path) == ""


@pytest.mark.parametrize("text", ["1.2", "v1.2.3", "1.2.3rc1", "01.2.3", "1.2.3 ", ""])
def test_version_without_three_plain_numbers_is_refused(text: str) -> None:
    with pytest.raises(click.ClickException, match=r"write it as 1\.2\.3"):
        version.check_version(text)
