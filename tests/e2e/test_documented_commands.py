"""Every `sh` block of the documentation works next to a running demo."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mostread.devstack.ports import Ports
from tests.support.demo import demo
from tests.support.servers import free_base
from tests.support.tools import tool

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def blocks() -> list[pytest.param]:  # type: ignore[valid-type]
    return [
        pytest.param(block, id=f"{document.stem}-{number}")
        for document in DOCUMENTS
        for number, block in enumerate(BLOCK.findall(document.read_text()), 1)
    ]


@pytest.fixture(scope="module")
def demo_checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Ports]]:
    """Yield a folder like a checkout in which `make demo` runs, and its ports."""
    folder = tmp_path_factory.mktemp("checkout")
    (folder / ".venv").symlink_to(Path(sys.prefix))
    ports = Ports(free_base())
    with demo(folder / ".mostread", ports, "--no-traffic"):
        yield folder, ports


@pytest.mark.parametrize("block", blocks())
def test_documented_block_succeeds(block: str, demo_checkout: tuple[Path, Ports]) -> None:
    folder, ports = demo_checkout
    for name in ("kcat", "node", "php"):
        if re.search(rf"\b{name} [\w-]", block):
            tool(name)
    # The documentation uses the default ports; this demo has others. Commands find them by
    # themselves, in .mostread/env.
    script = re.sub(r"\b808(\d)\b", lambda port: str(ports.base + int(port[1])), block)
    result = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert "urn:mostread:problem" not in result.stdout, result.stdout
    if "curl" in block and "-X DELETE" not in block:
        assert result.stdout.startswith(("{", "<section")), result.stdout
