"""A release of a clone, and what it builds: nothing is published, and everything is installed."""

import hashlib
import json
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support.tools import tool
from tools.wheels import ROOT

VERSION = "9.8.7"


class Clone:
    """A clone of this commit, in which one may commit, tag and release."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)
        self.run("tools.version", VERSION)
        self.commit("Release")

    def run(self, *module: str) -> subprocess.CompletedProcess[str]:
        """Run a module of its tools."""
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        return subprocess.run(
            [sys.executable, "-m", *module],
            cwd=self.folder,
            env=environment | {"GIT_COMMITTER_NAME": "A", "GIT_COMMITTER_EMAIL": "a@example"},
            capture_output=True,
            text=True,
            check=False,
        )

    def git(self, *arguments: str) -> str:
        identity = ["-c", "user.name=A", "-c", "user.email=a@example"]
        command = ["git", "-C", str(self.folder), *identity, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    def commit(self, message: str) -> None:
        self.git("commit", "--quiet", "--no-verify", "--all", "--message", message)

    def refusal(self, *arguments: str) -> str:
        """Return the error of a release that builds and tags nothing."""
        done = self.run("tools.release", *arguments)
        assert done.returncode == 1, done.stdout
        assert not (self.folder / "dist").exists()
        return done.stderr


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    return Clone(tmp_path_factory.mktemp("clone") / "mostread")


def test_release_of_another_version_or_a_changed_tree_is_refused(clone: Clone) -> None:
    refusal = clone.refusal("9.9.9")
    assert "pyproject.toml has version 9.8.7; run `make version VERSION=9.9.9`" in refusal
    assert "CHANGELOG.md has no section [9.9.9]" in refusal
    assert "write it as 1.2.3" in clone.refusal("9.8")
    (clone.folder / "new.txt").touch()
    refusal = clone.refusal(VERSION)
    (clone.folder / "new.txt").unlink()
    assert "the tree has changes; commit or remove them:\n?? new.txt" in refusal
    assert "pyproject.toml" not in refusal


def test_release_whose_tag_exists_or_whose_check_fails_is_refused(clone: Clone) -> None:
    clone.git("tag", f"v{VERSION}")
    assert f"the tag v{VERSION} exists" in clone.refusal(VERSION)
    clone.git("tag", "--delete", f"v{VERSION}")
    refusal = clone.refusal(VERSION, "--check", "help", "--check", "no-such-target")
    assert "`make no-such-target` failed; nothing was built" in refusal
    assert clone.git("tag", "--list", f"v{VERSION}") == ""


@pytest.fixture(scope="module")
def dist(clone: Clone) -> Path:
    """The folder that a release writes."""
    tool("npm")
    done = clone.run("tools.release", VERSION, "--check", "help")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"git push origin v{VERSION}" in done.stdout
    return clone.folder / "dist"


def test_release_tags_its_commit_and_changes_nothing_else(clone: Clone, dist: Path) -> None:
    assert dist.is_dir()
    assert clone.git("rev-parse", f"v{VERSION}^{{commit}}") == clone.git("rev-parse", "HEAD")
    assert clone.git("cat-file", "-t", f"v{VERSION}") == "tag\n"
    assert clone.git("status", "--porcelain") == ""


def test_release_has_checksums_of_every_file(dist: Path) -> None:
    files = {path.name for path in dist.iterdir()}
    assert files == {
        "SHA256SUMS",
        "mostread-9.8.7-py3-none-any.whl",
        "mostread-9.8.7.cdx.json",
        "mostread-9.8.7.md",
        "mostread-9.8.7.tar.gz",
        "mostread-tracker-9.8.7.tgz",
    }
    for line in (dist / "SHA256SUMS").read_text().splitlines():
        digest, name = line.split("  ")
        assert digest == hashlib.sha256((dist / name).read_bytes()).hexdigest()
        files.remove(name)
    assert files == {"SHA256SUMS"}


def test_wheel_contains_every_file_and_contract(clone: Clone, dist: Path) -> None:
    with zipfile.ZipFile(dist / f"mostread-{VERSION}-py3-none-any.whl") as archive:
        assert archive.testzip() is None
        contents = set(archive.namelist())
        metadata = archive.read(f"mostread-{VERSION}.dist-info/METADATA").decode()
        assert archive.getinfo("mostread/py.typed").date_time[0] > 2020  # the commit's
    tracked = clone.git("ls-files", "services/mostread", "schemas").splitlines()
    wanted = {re.sub(r"^services/|^(?=schemas/)", "mostread/", path) for path in tracked}
    wanted = {path.replace("mostread/mostread/", "mostread/") for path in wanted}
    assert wanted - {"mostread/schemas"} <= contents
    assert f"mostread-{VERSION}.dist-info/licenses/LICENSE" in contents
    assert "License-Expression: Apache-2.0" in metadata


def test_sdist_contains_the_sources_with_their_tests(clone: Clone, dist: Path) -> None:
    with tarfile.open(dist / f"mostread-{VERSION}.tar.gz") as archive:
        contents = {name.partition("/")[2] for name in archive.getnames()}
    missing = set(clone.git("ls-files").splitlines()) - contents
    assert missing == {"services/mostread/schemas"}  # the link


def test_npm_package_contains_the_tracker_with_types(dist: Path) -> None:
    with tarfile.open(dist / f"mostread-tracker-{VERSION}.tgz") as archive:
        contents = {name.partition("/")[2] for name in archive.getnames()}
    assert contents == {
        *("README.md", "package.json", "dist/LICENSE", "dist/index.d.ts", "dist/index.js"),
        *("dist/react.d.ts", "dist/tracker.js", "dist/vue.d.ts"),
    }


def test_sbom_lists_what_the_wheels_install(clone: Clone, dist: Path) -> None:
    document = json.loads((dist / f"mostread-{VERSION}.cdx.json").read_text())
    component: Mapping[str, str] = document["metadata"]["component"]
    assert (component["name"], component["version"]) == ("mostread", VERSION)
    wheels = {path.name.lower() for path in (clone.folder / "build/release/wheels").glob("*.whl")}
    versions = [each["version"] for each in document["components"]]
    assert len(versions) == len(wheels) - 1
    assert all(any(f"-{version}-" in wheel for wheel in wheels) for version in versions)


def run(clone: Clone, *command: str) -> str:
    """Run a program of the environment that has nothing but the wheels, away from the sources."""
    trial = clone.folder / "build/release"
    done = subprocess.run(command, env={}, cwd=trial, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_installed_package_runs_and_finds_its_data_files(clone: Clone, dist: Path) -> None:
    assert dist.is_dir()
    script = """
import asyncio
from mostread.infra import schemas
from mostread.ranking.app import ranking_app
from mostread.ranking.config import RankingSettings
assert schemas.openapi("collector")["openapi"] and schemas.openapi("ranking")["openapi"]
assert schemas.migrations()
async def build():
    async with ranking_app(RankingSettings()):
        pass
asyncio.run(build())
print(schemas.DIRECTORY)
"""
    venv = clone.folder / "build/release/venv"
    assert run(clone, str(venv / "bin/mostread"), "--version") == f"mostread, version {VERSION}\n"
    printed = run(clone, str(venv / "bin/python"), "-c", script)
    assert Path(printed.strip()).is_relative_to(venv)
