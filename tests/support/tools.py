"""Programs that are not Python packages; tests that need a missing one are skipped."""

import os
import shutil
import sys
from pathlib import Path

import pytest

DEBIAN = {
    "bwrap": "bubblewrap",
    "chromium": "chromium",
    "kcat": "kcat",
    "nginx": "nginx",
    "prometheus": "prometheus",
    "promtool": "prometheus",
    "wrk": "wrk",
}
"""Debian package by program."""


def tool(name: str) -> str:
    """Return the path of a program; skip the test without it, or fail it with CI=true."""
    here = Path(sys.executable).parent  # programs installed from wheels
    path = shutil.which(name, path=f"{here}{os.pathsep}{os.environ.get('PATH', '')}")
    if path:
        return path
    how = f"on Debian: apt-get install {DEBIAN[name]}" if name in DEBIAN else "run `make test`"
    if os.environ.get("CI") == "true":
        pytest.fail(f"{name} is not installed; {how}")
    pytest.skip(f"{name} is not installed; {how}")
