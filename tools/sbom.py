"""`make sbom`: the content of the image as CycloneDX, with versions, licences and dependencies.

cyclonedx-py reads an installation, because only that has the licence of each package. It cannot
see code that is copied into the package: this adds it.
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
    """Install the dependencies of the image in a folder, and return its Python."""
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
    # It looks for an interpreter in the environment, and must not find the one that runs this.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(listing, env=environment, capture_output=True, text=True, check=True)
    document: dict[str, Any] = json.loads(done.stdout)
    root = document["metadata"]["component"]["bom-ref"]
    (needs,) = [each for each in document["dependencies"] if each["ref"] == root]
    chart = _vendored()
    document["components"].append(chart)
    document["dependencies"].append({"ref": chart["bom-ref"]})
    needs["dependsOn"] = sorted([*needs.get("dependsOn", []), chart["bom-ref"]])
    return document


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
    document = JsonStrictValidator(SchemaVersion.V1_6).validate_str(written)
    return str(document) if document else None


@click.command()
@click.argument("out", type=click.Path(dir_okay=False, path_type=Path))
def main(out: Path) -> None:
    """Write the bill into a file."""
    with tempfile.TemporaryDirectory() as folder:
        document = bill(installed(Path(folder)))
    written = json.dumps(document, indent=2) + "\n"
    if trouble := faults(written):
        raise click.ClickException(trouble)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(written)
    click.echo(f"{out}: {len(document['components'])} components")


if __name__ == "__main__":
    main()
