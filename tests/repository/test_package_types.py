"""The types of the npm package agree with the elements of the ranking service."""

import re
from pathlib import Path

import pytest

from mostread.core.ranking.windows import NAMES

ROOT = Path(__file__).parents[2]
ELEMENTS = ROOT / "services/mostread/ranking/pages/static/elements"
TYPES = (ROOT / "packages/tracker/src/index.d.ts").read_text()
OF_ANY_ELEMENT = {"children", "class", "hidden", "id", "key", "lang", "ref"}


def properties(interface: str) -> set[str]:
    match = re.search(
        rf"interface {interface}\b[^{{]*{{\n(.*?)^}}", TYPES, re.DOTALL | re.MULTILINE
    )
    assert match
    return set(re.findall(r'^  "?([a-z-]+)"?\??:', match[1], re.MULTILINE))


@pytest.mark.parametrize(
    ("file", "interface"),
    [
        ("list.js", "MostReadAttributes"),
        ("count.js", "MostReadCountAttributes"),
        ("like.js", "MostReadLikeAttributes"),
    ],
)
def test_element_has_the_typed_attributes(file: str, interface: str) -> None:
    source = (ELEMENTS / file).read_text()
    lists = re.findall(r"(?:observedAttributes|PARAMETERS) = \[(.*?)\]", source, re.DOTALL)
    observed = set(re.findall(r'"([a-z-]+)"', " ".join(lists)))
    typed = properties(interface) | properties("ElementAttributes") - OF_ANY_ELEMENT
    assert typed == observed


def test_typed_windows_are_those_of_the_service() -> None:
    match = re.search(r"type CountWindow = (.*?);", TYPES)
    assert match
    assert match[1] == " | ".join(f'"{name}"' for name in NAMES)


def test_elements_in_the_documentation_name_existing_windows() -> None:
    text = "".join(path.read_text() for path in sorted((ROOT / "docs").rglob("*.md")))
    # As in `<most-read window="24h">`, and in `h("most-read", { window: "24h" })`.
    written = re.findall(r"""most-read[^>\n]*?\bwindow(?:=|: )"(\w+)\"""", text)
    assert written
    assert set(written) <= set(NAMES)
