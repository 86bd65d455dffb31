"""The documentation agrees with the code, and builds without a broken link."""

import re
import subprocess
from pathlib import Path

import pytest

from benchmarks import figures
from benchmarks.table import mib
from mostread.infra.settings import variable
from mostread.ops.capacity.costs import BENCHMARK
from mostread.ops.effective_settings import SERVICES, effective
from tests.support.http import operational_paths
from tests.support.tools import tool
from tools import generate_docs

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [*sorted(ROOT.glob("*.md")), *sorted(DOCS.rglob("*.md"))]
SETTINGS = (DOCS / "reference/settings.md").read_text()
OPERATIONS = (DOCS / "how-to/operations.md").read_text()
CODE_SPAN = re.compile(r"`([^`\n]+)`")


@pytest.mark.parametrize("path", generate_docs.generated(), ids=lambda path: path.stem)
def test_reference_page_is_generated_from_code(path: Path) -> None:
    assert path.read_text() == generate_docs.generated()[path], "run `make docs`"


def test_settings_page_lists_every_setting() -> None:
    headings = set(re.findall(r"^### `(MOSTREAD_\w+)`$", SETTINGS, re.MULTILINE))
    assert headings == {setting.name for setting in effective()}


def test_settings_page_names_every_secret_file() -> None:
    for settings in SERVICES.values():
        for name in settings.secret_names():
            assert f"- File: `{variable(name)}_FILE`" in SETTINGS


def test_operations_page_lists_the_endpoints_and_ports_of_every_service() -> None:
    for path in operational_paths(openapi={}):
        assert f"| `{path}` |" in OPERATIONS
    ports = OPERATIONS.partition("\n## ")[0].replace("\n", " ")
    for service, settings in SERVICES.items():
        if port := settings.model_fields.get(f"{service}_port"):
            assert f"{service} on {port.default}" in ports


def test_site_builds_without_broken_links(tmp_path: Path) -> None:
    build = [tool("mkdocs"), "build", "--strict", "--site-dir", str(tmp_path / "site")]
    result = subprocess.run(build, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_page_names_only_existing_files(page: Path) -> None:
    folders = "benchmarks|deploy|docs|schemas|services|tests|tools"
    for span in CODE_SPAN.findall(page.read_text()):
        if re.fullmatch(rf"(?:{folders})/[\w./-]+", span):
            assert (ROOT / span).exists(), span


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_page_names_only_existing_modules(page: Path) -> None:
    rooms = "core|infra|collector|aggregator|ranking|ops|devstack|client|cli"
    for span in CODE_SPAN.findall(page.read_text()):
        if re.fullmatch(rf"(?:{rooms})/[\w./-]+", span):
            assert (ROOT / "services/mostread" / span).exists(), span


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_page_links_to_existing_files(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if not re.match(r"https?:|#", target):
            assert (page.parent / target.partition("#")[0]).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_prose_wraps_at_100_columns(page: Path) -> None:
    prose = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
    for line in prose.splitlines():
        breakable = " " in re.sub(r"\[[^]]*\]\([^)]*\)|`[^`]*`", "", line[:100]).strip(
            "- 0123456789."
        )
        exempt = line.startswith(("|", "    ", "!["))
        assert len(line) <= 100 or exempt or not breakable, line


def test_documentation_paths_in_code_exist() -> None:
    command = ["git", "grep", "-hoE", r"docs/[a-z0-9/_-]+\.md", "--", "."]
    command += [":!docs/explanation/comparison.md"]  # names files of other projects
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    for path in set(result.stdout.split()):
        assert (ROOT / path).exists(), path


def test_figures_in_documentation_are_those_of_the_benchmark() -> None:
    texts = figures.texts()
    assert {path: path.read_text() for path in texts} == texts, "run `make docs`"


@pytest.mark.parametrize(
    ("name", "column", "row"),
    [
        ("collector_events_per_core", "events per core second", "mostread"),
        (
            "collector_batched_events_per_core",
            "events per core second",
            "mostread, 200 events per request",
        ),
        ("aggregator_events_per_worker", "events/s, median", "mostread, 1 per record"),
        ("reread_events_per_second", "events/s, median", "bare loop, 1 per record"),
        ("ranking_lists_per_core", "median", "cached, requests per core second"),
        ("worker_bytes_at_start", "MiB: start", "1 worker"),
    ],
)
def test_cost_of_plan_equals_the_performance_page(name: str, column: str, row: str) -> None:
    cost = getattr(BENCHMARK, name)
    shown = mib(cost) if name == "worker_bytes_at_start" else f"{cost:,}"
    assert figures.cell((DOCS / "explanation/performance.md").read_text(), column, row) == shown
