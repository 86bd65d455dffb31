"""`make vulnerabilities`: check the locked packages for known vulnerabilities with pip-audit.

pip-audit also reports "no known vulnerabilities found" and exit code 0 for packages that its index
does not have. So each service is first queried for a version with a well-known vulnerability, and
skipped if it does not report it or cannot be reached.
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
LOCKED = ROOT / "requirements/dev.txt"  # contains all the others, except the peers of `make bench`
KNOWN_VULNERABLE = "jinja2==2.10"  # CVE-2019-10906
SERVICES = ("pypi", "osv")


class ServiceUnavailable(Exception):
    """pip-audit failed; the message is its last line."""


def audit(requirements: Path, service: str) -> list[dict[str, Any]]:
    """Return each package with its vulnerabilities, or why it was skipped.

    Raises ServiceUnavailable.
    """
    command = [
        *(sys.executable, "-m", "pip_audit", "--vulnerability-service", service),
        *("--requirement", str(requirements), "--disable-pip", "--no-deps"),
        *("--format", "json", "--progress-spinner", "off"),
    ]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        packages: list[dict[str, Any]] = json.loads(result.stdout)["dependencies"]
    except ValueError:
        *_, last_line = result.stderr.strip().splitlines() or ["no output"]
        raise ServiceUnavailable(last_line) from None
    return packages


def service_error(service: str) -> str | None:
    """Return why a service cannot be used, None if it reports the well-known vulnerability."""
    with tempfile.TemporaryDirectory() as folder:
        requirements = Path(folder, "requirements.txt")
        requirements.write_text(f"{KNOWN_VULNERABLE}\n")
        try:
            (package,) = audit(requirements, service)
        except ServiceUnavailable as error:
            return str(error)
    if package.get("vulns"):
        return None
    return str(package.get("skip_reason", f"it reports no vulnerability in {KNOWN_VULNERABLE}"))


def vulnerabilities(report: list[dict[str, Any]]) -> Iterator[str]:
    for package in report:
        for each in package.get("vulns", []):
            fixed = ", ".join(each["fix_versions"]) or "no version yet"
            names = " ".join([each["id"], *each["aliases"]])
            yield f"{package['name']} {package['version']}: {names}, fixed in {fixed}"


@click.command()
@click.argument(
    "requirements", type=click.Path(exists=True, dir_okay=False, path_type=Path), default=LOCKED
)
def main(requirements: Path) -> None:
    """Exit with 1 for a known vulnerability; report if no service could be reached."""
    wanted = os.environ.get("PIP_AUDIT_VULNERABILITY_SERVICE")
    for service in [wanted] if wanted else SERVICES:
        if error_text := service_error(service):
            click.echo(f"{service} is not available: {error_text}")
            continue
        try:
            report = audit(requirements, service)
        except ServiceUnavailable as error:
            click.echo(f"{service} stopped responding: {error}")
            continue
        for package in report:
            if reason := package.get("skip_reason"):
                click.echo(f"{package['name']} was NOT checked: {reason}")
        known = list(vulnerabilities(report))
        for line in known:
            click.echo(line)
        click.echo(f"{len(report)} packages, {len(known)} known vulnerabilities, by {service}")
        sys.exit(1 if known else 0)
    click.echo("Dependencies were NOT checked for known vulnerabilities.")


if __name__ == "__main__":
    main()
