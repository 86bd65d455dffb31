"""The installed wheel: it contains every file that the checkout uses."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds the package as its wheel lays it down, without its dependencies."""
    wheels, target = tmp_path_factory.mktemp("wheels"), tmp_path_factory.mktemp("installed")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    offline = ["--no-index", "--no-deps"]
    # As in deploy/Dockerfile.
    build = [*pip, "wheel", *offline, "--no-build-isolation", "--wheel-dir", str(wheels), str(ROOT)]
    subprocess.run(build, check=True)
    (wheel,) = wheels.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        assert archive.testzip() is None
    subprocess.run([*pip, "install", *offline, "--target", str(target), str(wheel)], check=True)
    return target


def run(installed: Path, *command: str) -> str:
    """Run it with the wheel's package before the checkout's, and away from the checkout."""
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    done = subprocess.run(
        command, env=environment, cwd=installed, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_wheel_contains_every_file_and_contract(installed: Path) -> None:
    for source, where in (
        (ROOT / "services/mostread", installed / "mostread"),
        (ROOT / "schemas", installed / "mostread/schemas"),
    ):
        files = {path.relative_to(source) for path in source.rglob("*") if path.is_file()}
        wanted = {path for path in files if "__pycache__" not in path.parts}
        assert wanted <= {path.relative_to(where) for path in where.rglob("*")}


def test_installed_package_finds_its_data_files(installed: Path) -> None:
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
    assert run(installed, sys.executable, "-c", script).strip() == str(
        installed / "mostread/schemas"
    )


def test_installed_command_has_every_subcommand(installed: Path) -> None:
    helped = run(installed, str(installed / "bin/mostread"), "--help")
    for name in ("init", "collector", "aggregator", "ranking", "config"):
        assert f"  {name} " in helped
