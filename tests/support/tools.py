"""Programs that are not Python packages, and skipping tests that miss one."""

import os
import shutil
import sys
from pathlib import Path

import pytest

DEBIAN = {
    "bwrap": "bubblewrap",
    "chromium": "chromium",
    "kcat": "kcat",
    "prometheus": "prometheus",
    "promtool": "prometheus",
    "wrk": "wrk",
}
"""Program to the Debian package that brings it."""


def tool(name: str) -> str:
    """Return the program's path; where it is missing skip the test, or fail it with CI=true."""
    here = Path(sys.executable).parent  # what a wheel brought
    path = shutil.which(name, path=f"{here}{os.pathsep}{os.environ.get('PATH', '')}")
    if path:
        return path
    how = f"on Debian: apt-get install {DEBIAN[name]}" if name in DEBIAN else "run `make test`"
    if os.environ.get("CI") == "true":
        pytest.fail(f"{name} is not installed; {how}")
    pytest.skip(f"{name} is not installed; {how}")
