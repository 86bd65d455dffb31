"""The licences of all locked packages, and the rule that they follow."""

import sys
from pathlib import Path
from typing import Any

import pytest

from tools import licences
from tools.sbom import new_sbom


def component(*stated: dict[str, Any], name: str = "some_package") -> dict[str, Any]:
    return {"components": [{"name": name, "licenses": list(stated)}]}


def test_every_locked_package_has_an_allowed_licence() -> None:
    assert licences.problems(licences.expressions(new_sbom(Path(sys.executable)))) == []


def test_files_of_requirements_have_packages() -> None:
    assert {"faust-streaming", "numpy"} <= licences.locked("base") < licences.locked("dev")


def test_exceptions_concern_locked_packages() -> None:
    assert licences.UNSTATED.keys() <= licences.locked("dev")


@pytest.mark.parametrize(
    ("expression", "allowed"),
    [
        ("MIT", True),
        ("GPL-3.0-only", False),
        ("MIT OR GPL-3.0-only", True),
        ("MIT AND GPL-3.0-only", False),
        ("(MIT OR GPL-3.0-only) AND Apache-2.0", True),
        ("GPL-2.0-only WITH Classpath-exception-2.0", False),
        ("Proprietary", False),
        ("MIT AND", False),
        ("", False),
    ],
)
def test_expression_is_allowed_if_its_licences_are(expression: str, allowed: bool) -> None:
    assert licences.allows({"MIT", "Apache-2.0"}, expression) is allowed


@pytest.mark.parametrize(
    ("stated", "expression"),
    [
        ([{"license": {"id": "MIT"}}, {"license": {"name": "License :: Whatever"}}], "MIT"),
        ([{"license": {"name": "License :: OSI Approved :: BSD License"}}], "BSD-3-Clause"),
        ([{"license": {"id": "MIT"}}, {"license": {"id": "ISC"}}], "MIT AND ISC"),
        ([{"expression": "MIT OR ISC"}, {"license": {"id": "0BSD"}}], "(MIT OR ISC) AND 0BSD"),
        ([{"license": {"name": "Our own"}}], "(Our own)"),
        ([], ""),
    ],
)
def test_expression_of_component_prefers_spdx(stated: list[Any], expression: str) -> None:
    assert licences.expressions(component(*stated)) == {"some-package": expression}


def test_tool_may_have_a_licence_that_the_image_may_not() -> None:
    everything = dict.fromkeys(licences.locked("dev"), "GPL-3.0-or-later")
    rejected = {line.partition(":")[0] for line in licences.problems(everything)}
    assert rejected == licences.locked("base")


def test_unstated_licence_is_reported() -> None:
    (click, *_) = [line for line in licences.problems({"click": ""}) if line.startswith("click:")]
    assert click == "click: states no licence"
