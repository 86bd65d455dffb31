"""`make licences`: list the licences of all locked packages, and reject those not allowed.

cyclonedx-py reads them from the installation. docs/explanation/dependencies.md describes the rule.
"""

import re
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click
from license_expression import ExpressionError, get_spdx_licensing
from packaging.utils import canonicalize_name

from tools.sbom import ROOT, new_sbom

SPDX = get_spdx_licensing()

PERMISSIVE = {
    *("0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "BSD-3-Clause-Modification", "CC0-1.0"),
    *("CNRI-Python", "ISC", "MIT", "MIT-0", "PSF-2.0", "Python-2.0", "Unlicense", "Zlib"),
}
# Conditions concern changes of the package itself, which mostread does not make.
WEAK_COPYLEFT = {"LGPL-2.1-or-later", "LGPL-3.0-or-later", "MPL-2.0"}
# Tools run beside mostread; neither the wheel nor the image contains them.
TOOLS = {"GPL-2.0-only", "GPL-3.0-only", "GPL-3.0-or-later"}

ALLOWED = {
    "base": PERMISSIVE | WEAK_COPYLEFT,
    "dev": PERMISSIVE | WEAK_COPYLEFT | TOOLS,
}
"""Allowed licences by file of requirements, as SPDX ids."""

NAMES = {
    "License :: OSI Approved :: Apache Software License": "Apache-2.0",
    "License :: OSI Approved :: BSD License": "BSD-3-Clause",
    "License :: OSI Approved :: Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "License :: Repoze Public License": "BSD-3-Clause-Modification",
    "GPL-3.0": "GPL-3.0-only",
}
"""SPDX ids of names that packages use instead."""

UNSTATED = {
    "ahocorasick-rs": "Apache-2.0",  # LICENSE in its wheel
    "device-detector": "MIT AND LGPL-3.0-or-later",  # LICENSE in its source; Matomo's data
    "kubernetes-validate": "Apache-2.0",  # LICENSE in its wheel
}
"""SPDX expressions of packages whose metadata has none, each with its source."""


def locked(name: str) -> set[str]:
    """Return the packages of requirements/<name>.txt."""
    text = (ROOT / f"requirements/{name}.txt").read_text()
    return {canonicalize_name(each) for each in re.findall(r"^([\w.-]+)==", text, re.MULTILINE)}


def expressions(sbom: Mapping[str, Any]) -> dict[str, str]:
    """Return the SPDX expression of each component by name, empty if it states none."""
    return {
        (name := canonicalize_name(each["name"])): " AND ".join(_stated(each))
        or UNSTATED.get(name, "")
        for each in sbom["components"]
    }


def _stated(component: Mapping[str, Any]) -> Iterator[str]:
    """Yield the stated licences; free names only where no SPDX id or expression is stated."""
    entries = component.get("licenses", ())
    stated = [each.get("expression") or each["license"].get("id") for each in entries]
    if not any(stated):
        stated = [each["license"]["name"] for each in entries]
    for each in filter(None, stated):
        spdx = NAMES.get(each, each)
        yield f"({spdx})" if " " in spdx else spdx


def allows(allowed: set[str], expression: str) -> bool:
    """Return whether the allowed licences satisfy an SPDX expression."""
    try:
        parsed = SPDX.parse(expression, validate=True)
    except ExpressionError:  # not an SPDX id
        return False
    return parsed is not None and _satisfied(parsed, allowed)


def _satisfied(expression: Any, allowed: set[str]) -> bool:
    if isinstance(expression, SPDX.OR):
        return any(_satisfied(part, allowed) for part in expression.args)
    if isinstance(expression, SPDX.AND):
        return all(_satisfied(part, allowed) for part in expression.args)
    return str(expression) in allowed


def problems(licences: Mapping[str, str]) -> list[str]:
    """Return each locked package that may not be used, and why."""
    return [
        f"{name}: {licences.get(name, 'not installed') or 'states no licence'}"
        for requirements, allowed in ALLOWED.items()
        for name in sorted(locked(requirements))
        if not allows(allowed, licences.get(name, ""))
    ]


@click.command()
def main() -> None:
    """Print the packages by licence; exit with 1 if one is not allowed."""
    licences = expressions(new_sbom(Path(sys.executable)))
    by_licence = defaultdict(list)
    for name in sorted(locked("dev")):
        by_licence[licences.get(name, "")].append(name)
    for licence, names in sorted(by_licence.items()):
        click.echo(f"{licence}: {', '.join(names)}")
    if not_allowed := problems(licences):
        raise click.ClickException("licences that are not allowed:\n" + "\n".join(not_allowed))


if __name__ == "__main__":
    main()
