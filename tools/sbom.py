"""`make sbom`: list the packages of the image as CycloneDX.

cyclonedx-py reads an installation, because only that has the licence of each package.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import click
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

ROOT = Path(__file__).parents[1]


def installed(folder: Path) -> Path:
    """Install the dependencies of the image in a folder; return its Python."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    python = folder / "bin/python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet"]
    hashed = ["--no-compile", "--require-hashes", "--only-binary", ":all:"]
    subprocess.run([*pip, *hashed, "-r", str(ROOT / "requirements/base.txt")], check=True)
    return python


def new_sbom(python: Path) -> dict[str, Any]:
    """Return the packages of an interpreter as CycloneDX, reproducibly."""
    command = [
        *(sys.executable, "-m", "cyclonedx_py", "environment", "--output-reproducible"),
        *("--pyproject", str(ROOT / "pyproject.toml"), "--mc-type", "application", str(python)),
    ]
    # cyclonedx-py must not find the packages of this interpreter.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    document: dict[str, Any] = json.loads(result.stdout)
    return document


def schema_error(document: str) -> str | None:
    """Return how a document violates CycloneDX's schema, None if it does not."""
    error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(document)
    return str(error) if error else None


@click.command()
@click.argument("out", type=click.Path(dir_okay=False, path_type=Path))
def main(out: Path) -> None:
    """Write the SBOM to a file."""
    with tempfile.TemporaryDirectory() as folder:
        document = new_sbom(installed(Path(folder)))
    text = json.dumps(document, indent=2) + "\n"
    if error := schema_error(text):
        raise click.ClickException(error)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(text)
    click.echo(f"{out}: {len(document['components'])} components")


if __name__ == "__main__":
    main()
