"""tools/install.py: which uv it runs, what it prints and how it fails."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
UV = """\
#!/bin/sh
echo "$*" >> "$UV_CALLS"
case "$*" in
  *--quiet*) ;;
  *"-r wrong"*) echo "error: hash mismatch" >&2; exit 2 ;;
  *-r*) printf 'Resolved 2\\nDownloading big (9MiB)\\n Downloaded big\\n + big==1\\n' >&2 ;;
esac
"""


@pytest.fixture(name="environment")
def _environment(tmp_path: Path) -> dict[str, str]:
    """An environment with a uv on PATH that records its calls."""
    uv = tmp_path / "bin" / "uv"
    uv.parent.mkdir()
    uv.write_text(UV)
    uv.chmod(0o755)
    calls = str(tmp_path / "calls")
    return {**os.environ, "PATH": f"{uv.parent}:{os.environ['PATH']}", "UV_CALLS": calls}


def install(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "tools/install.py"), *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_install_runs_the_uv_on_path_with_hashes(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    venv, python = tmp_path / "venv", tmp_path / "venv/bin/python"
    done = install(environment, str(venv), "some.txt")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "calls").read_text().splitlines() == [
        "--version",
        f"venv --quiet --clear --python {sys.executable} {venv}",
        f"pip install --python {python} --require-hashes -r some.txt",
        f"pip install --quiet --python {python} --no-build-isolation --no-deps --editable {ROOT}",
    ]
    # Neither the start of a download nor the list of packages; what takes long is repeated.
    assert done.stdout.splitlines()[:2] == ["Installing some.txt ...", "Resolved 2"]
    assert "big" not in done.stdout


def test_install_without_project_installs_packages_only(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    done = install(environment, str(tmp_path / "venv"), "some.txt", "--no-project")
    assert done.returncode == 0, done.stderr
    assert "--editable" not in (tmp_path / "calls").read_text()


def test_install_reports_the_error_of_uv(tmp_path: Path, environment: dict[str, str]) -> None:
    done = install(environment, str(tmp_path / "venv"), "wrong")
    assert done.returncode == 1
    assert "error: hash mismatch" in done.stdout
    assert "failed with exit code 2" in done.stderr
