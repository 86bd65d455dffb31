"""`make version VERSION=1.2.3`: set the version, which pyproject.toml states.

PLACES repeat it for programs that cannot read it there; tests/repository/test_version.py compares.
"""

import re
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import click

ROOT = Path(__file__).parents[1]
CHANGELOG = "CHANGELOG.md"

PLACES = {
    "pyproject.toml": r'^version = "(.+)"$',
    "packages/tracker/package*.json": r'"name": "@mostread/tracker",\n +"version": "(.+)"',
    "deploy/kubernetes/**/kustomization.yaml": r"^ +newTag: (\S+)$",
    "docs/how-to/*.md": r"\bmostread(?:-tracker-|-|:)(\d+\.\d+\.\d+)",
}
"""Patterns of files, each with an expression whose group is the version."""


def current(root: Path = ROOT) -> str:
    """Return the version in pyproject.toml."""
    project: dict[str, str] = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    return project["version"]


def stated(root: Path = ROOT) -> Iterator[tuple[str, str]]:
    """Yield each file that states the version, with the version."""
    for path, expression in _places(root):
        for match in expression.finditer(path.read_text()):
            yield path.relative_to(root).as_posix(), match[1]


def set_version(version: str, root: Path = ROOT) -> None:
    """Replace the version everywhere, and give the unreleased changes a section."""
    for path, expression in _places(root):
        text = path.read_text()
        path.write_text(expression.sub(lambda m: m[0].replace(m[1], version), text))
    changelog = root / CHANGELOG
    heading = f"## [Unreleased]\n\n## [{version}] - {datetime.now(UTC):%Y-%m-%d}\n"
    changelog.write_text(changelog.read_text().replace("## [Unreleased]\n", heading, 1))


def changes(version: str, root: Path = ROOT) -> str:
    """Return the dated section of a version in the changelog, empty without one."""
    heading = rf"^## \[{re.escape(version)}\] - \d{{4}}-\d\d-\d\d\n(.*?)(?=^## \[|\Z)"
    match = re.search(heading, (root / CHANGELOG).read_text(), re.DOTALL | re.MULTILINE)
    return match[1].strip() if match else ""


def check_version(version: str) -> None:
    """Raise ClickException unless a version has three numbers, which pip and npm both accept."""
    if not re.fullmatch(r"(?:0|[1-9]\d*)(?:\.(?:0|[1-9]\d*)){2}", version):
        raise click.ClickException(f"{version!r} is not a version; write it as 1.2.3")


def _places(root: Path) -> Iterator[tuple[Path, re.Pattern[str]]]:
    for pattern, expression in PLACES.items():
        for path in sorted(root.glob(pattern)):
            yield path, re.compile(expression, re.MULTILINE)


@click.command()
@click.argument("version")
def main(version: str) -> None:
    """Set the version in every file that states it."""
    check_version(version)
    set_version(version)
    for path in sorted({path for path, _ in stated()} | {CHANGELOG}):
        click.echo(path)


if __name__ == "__main__":
    main()
