"""Programs that are not Python packages; tests that need a missing one are skipped."""

import os
import shutil
import sys
from pathlib import Path
from typing import NoReturn

import pytest

DEBIAN = {
    "bwrap": "bubblewrap",
    "caddy": "caddy",
    "chromium": "chromium",
    "kcat": "kcat",
    "nginx": "nginx",
    "node": "nodejs",
    "npm": "npm",
    "php": "php-cli",
    "prometheus": "prometheus",
    "promtool": "prometheus",
    "systemd-analyze": "systemd",
    "systemd-sysusers": "systemd",
    "wrk": "wrk",
}
"""Debian package by program."""


def tool(name: str) -> str:
    """Return the path of a program; skip the test without it, or fail it with CI=true."""
    here = Path(sys.executable).parent  # programs installed from wheels
    path = shutil.which(name, path=f"{here}{os.pathsep}{os.environ.get('PATH', '')}")
    if path is None:
        how = f"on Debian: apt-get install {DEBIAN[name]}" if name in DEBIAN else "run `make test`"
        _give_up(name, how)
    return path


def debian_files(package: str, pattern: str) -> Path:
    """Return the first path below /usr/share that matches; without it as `tool`."""
    path = next(Path("/usr/share").glob(pattern), None)
    if path is None:
        _give_up(package, f"on Debian: apt-get install {package}")
    return path


def _give_up(name: str, how: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(f"{name} is not installed; {how}")
    pytest.skip(f"{name} is not installed; {how}")
