"""Names and sizes of the modules in services/."""

import ast
from collections import defaultdict
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "services/mostread"
MAX_LINES = 350

SAME_NAME: dict[str, str] = {}
"""A class name that several modules define, with the reason."""


def test_class_names_are_defined_once() -> None:
    modules: dict[str, list[str]] = defaultdict(list)
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                modules[node.name].append(path.relative_to(PACKAGE).as_posix())
    repeated = {name: paths for name, paths in modules.items() if len(paths) > 1}
    assert {n: p for n, p in repeated.items() if n not in SAME_NAME} == {}
    assert SAME_NAME.keys() <= repeated.keys(), "an exception that is not needed any more"


def test_modules_are_at_most_350_lines_long() -> None:
    lengths = {
        path.relative_to(PACKAGE).as_posix(): len(path.read_text().splitlines())
        for path in PACKAGE.rglob("*.py")
    }
    assert {path: lines for path, lines in lengths.items() if lines > MAX_LINES} == {}
