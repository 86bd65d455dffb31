"""`make vulnerabilities`: whether a locked dependency has a fault that is publicly known.

pip-audit does it. Two of its answers would be taken for "none" and are not: that nobody was
reached, and that who was reached knows nothing (of a package that its index does not have it says
"no known vulnerabilities found", and ends with 0). So it is first asked about a version whose fault
everybody knows.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

ROOT = Path(__file__).parents[1]
LOCKED = ROOT / "requirements/dev.txt"  # the others hold some of the same
KNOWN_FAULT = "jinja2==2.10"  # CVE-2019-10906
SERVICES = ("pypi", "osv")


class NoAnswer(Exception):
    """The message of pip-audit where it cannot do its work."""


def audit(requirements: Path, service: str) -> list[dict[str, Any]]:
    """Return each package with its faults, or why it was passed over. Raises NoAnswer."""
    command = [
        *(sys.executable, "-m", "pip_audit", "--vulnerability-service", service),
        *("--requirement", str(requirements), "--disable-pip", "--no-deps"),
        *("--format", "json", "--progress-spinner", "off"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        known_faults: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except ValueError:
        *_, last_line = done.stderr.strip().splitlines() or ["it said nothing"]
        raise NoAnswer(last_line) from None
    return known_faults


def knows_faults(service: str) -> str | None:
    """Return why a service is of no use here, None where it knows the fault that all know."""
    with tempfile.TemporaryDirectory() as folder:
        requirements = Path(folder, "requirements.txt")
        requirements.write_text(f"{KNOWN_FAULT}\n")
        try:
            (answer,) = audit(requirements, service)
        except NoAnswer as error:
            return str(error)
    if answer.get("vulns"):
        return None
    return str(answer.get("skip_reason", f"it knows of no fault in {KNOWN_FAULT}"))


def faults(report: list[dict[str, Any]]) -> Iterator[str]:
    for package in report:
        for fault in package.get("vulns", []):
            fixed = ", ".join(fault["fix_versions"]) or "no version yet"
            names = " ".join([fault["id"], *fault["aliases"]])
            yield f"{package['name']} {package['version']}: {names}, fixed in {fixed}"


@click.command()
@click.argument(
    "requirements", type=click.Path(exists=True, dir_okay=False, path_type=Path), default=LOCKED
)
def main(requirements: Path) -> None:
    """Exit with 1 for a known fault; report it where no service could be reached."""
    wanted = os.environ.get("PIP_AUDIT_VULNERABILITY_SERVICE")
    for service in [wanted] if wanted else SERVICES:
        if trouble := knows_faults(service):
            click.echo(f"{service} cannot be asked from here: {trouble}")
            continue
        try:
            report = audit(requirements, service)
        except NoAnswer as error:
            click.echo(f"{service} answered no more: {error}")
            continue
        for package in report:
            if reason := package.get("skip_reason"):
                click.echo(f"{package['name']} was NOT checked: {reason}")
        known_faults = list(faults(report))
        for fault in known_faults:
            click.echo(fault)
        click.echo(f"{len(report)} packages, {len(known_faults)} known faults, says {service}")
        sys.exit(1 if known_faults else 0)
    click.echo("Dependencies were NOT checked for known faults.")


if __name__ == "__main__":
    main()
