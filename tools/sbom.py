"""`make sbom`: what the image holds, as CycloneDX; with versions, licences and who needs whom.

cyclonedx-py looks at an installation, since only there is the licence of each package. What was
copied into our own package it cannot see: that is added.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import click
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

ROOT = Path(__file__).parents[1]
VENDORED = ROOT / "services/mostread/ranking/pages/static/vendor/uPlot.iife.min.js"


def installed(folder: Path) -> Path:
    """Install in a folder what the image holds beside ourselves, and return its Python."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    python = folder / "bin/python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet"]
    hashed = ["--no-compile", "--require-hashes", "--only-binary", ":all:"]
    subprocess.run([*pip, *hashed, "-r", str(ROOT / "requirements/base.txt")], check=True)
    return python


def bill(python: Path) -> dict[str, Any]:
    """Return what is installed for an interpreter: the same each time, for the same packages."""
    listing = [
        *(sys.executable, "-m", "cyclonedx_py", "environment", "--output-reproducible"),
        *("--pyproject", str(ROOT / "pyproject.toml"), "--mc-type", "application", str(python)),
    ]
    # It looks for an interpreter; ours must not be the one that the environment speaks of.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(listing, env=environment, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    root = found["metadata"]["component"]["bom-ref"]
    (needs,) = [each for each in found["dependencies"] if each["ref"] == root]
    chart = _vendored()
    found["components"].append(chart)
    found["dependencies"].append({"ref": chart["bom-ref"]})
    needs["dependsOn"] = sorted([*needs.get("dependsOn", []), chart["bom-ref"]])
    return found


def _vendored() -> dict[str, Any]:
    named = re.match(r"/\*! \S+ \(v([\d.]+)\) \*/", VENDORED.read_text())
    if named is None:
        raise ValueError(f"{VENDORED} does not say its version in its first line")
    return {
        "bom-ref": f"uplot@{named[1]}",
        "type": "library",
        "name": "uplot",
        "version": named[1],
        "purl": f"pkg:npm/uplot@{named[1]}",
        "licenses": [{"license": {"id": "MIT"}}],
    }


def faults(written: str) -> str | None:
    """Return what CycloneDX's schema has against a bill, None where it has nothing."""
    found = JsonStrictValidator(SchemaVersion.V1_6).validate_str(written)
    return str(found) if found else None


@click.command()
@click.argument("out", type=click.Path(dir_okay=False, path_type=Path))
def main(out: Path) -> None:
    """Write the bill into a file."""
    with tempfile.TemporaryDirectory() as folder:
        found = bill(installed(Path(folder)))
    written = json.dumps(found, indent=2) + "\n"
    if trouble := faults(written):
        raise click.ClickException(trouble)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(written)
    click.echo(f"{out}: {len(found['components'])} components")


if __name__ == "__main__":
    main()
