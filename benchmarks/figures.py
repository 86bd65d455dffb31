"""Figures of a run for `mostread plan`, and the texts that follow from a run.

`python -m benchmarks.figures` writes the texts again.
"""

import re
import shlex
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from pathlib import Path

import msgspec

from benchmarks.page import PAGE, WIDTH, replace_section
from benchmarks.table import mib, table
from mostread.ops.capacity.costs import Benchmark

ROOT = Path(__file__).parents[1]
FILE = ROOT / "services/mostread/ops/capacity/benchmark.json"
README = ROOT / "README.md"
SCALING = ROOT / "docs/how-to/scaling.md"
FASTEST = "mostread, 100 per record"

_FAST = re.compile(r"^- \*\*Fast\.\*\*.*?(?=^- )", re.DOTALL | re.MULTILINE)
_EXAMPLE = re.compile(
    r"```sh\n\.venv/bin/mostread plan ([^\n]*)\n```\n\n```text\n.*?```", re.DOTALL
)


def write(figures: Mapping[str, float]) -> None:
    """Replace figures of `mostread plan`, with three significant digits, and what follows."""
    known = msgspec.json.decode(FILE.read_bytes())
    for name, figure in figures.items():
        known[name] = int(float(f"{figure:.3g}"))
    msgspec.convert(known, Benchmark)
    FILE.write_bytes(msgspec.json.format(msgspec.json.encode(known), indent=2) + b"\n")
    for path, text in texts().items():
        path.write_text(text)


def texts() -> dict[Path, str]:
    """Return README with the figures of the performance page, and the scaling guide with plan's."""
    fast = _FAST.sub(lambda _: _fast(PAGE.read_text()), README.read_text())
    scaling = _EXAMPLE.sub(lambda match: _example(match[1]), SCALING.read_text())
    return {README: fast, SCALING: replace_section(scaling, "costs", _costs())}


def cell(text: str, column: str, row: str) -> str:
    """Return a cell of the performance page, of the table that has such a column and row."""
    columns: list[str] = []
    for line in text.splitlines():
        cells = [each.strip() for each in line.strip("|").split("|")] if line[:1] == "|" else []
        columns = columns if cells and columns else cells
        if cells and cells[0] == row and column in columns:
            return cells[columns.index(column)]
    raise LookupError(f"no row {row} with the column {column}")


def _fast(text: str) -> str:
    least_to_most = cell(text, "least to most", FASTEST)
    times = float(cell(text, "× usual Faust", FASTEST))
    claim = (
        f"- **Fast.** One worker counts {least_to_most} events/s from Kafka into ClickHouse on two "
        f"cores, {times:.0f} times as many as the usual Faust program in the same run "
        f"([Performance]({PAGE.relative_to(ROOT)}))."
    )
    wrapped = textwrap.wrap(
        claim, WIDTH, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
    )
    return "\n".join(wrapped) + "\n"


def _example(arguments: str) -> str:
    command = [sys.executable, "-m", "mostread", "plan", *shlex.split(arguments)]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return f"```sh\n.venv/bin/mostread plan {arguments}\n```\n\n```text\n{output}```"


def _costs() -> str:
    benchmark = msgspec.json.decode(FILE.read_bytes(), type=Benchmark)
    return table(
        ["cost", "measured"],
        [
            [
                "collector, one event per request",
                f"{benchmark.collector_events_per_core:,} events per core second",
            ],
            [
                "collector, 200 events per request",
                f"{benchmark.collector_batched_events_per_core:,} events per core second",
            ],
            [
                "aggregator, one event per record",
                f"{benchmark.aggregator_events_per_worker:,} events/s",
            ],
            [
                "aggregator, rereading event ids",
                f"{benchmark.reread_events_per_second:,} events/s",
            ],
            [
                "aggregator, looking up stored counters",
                f"{benchmark.lookups_per_second:,} counters/s",
            ],
            [
                "ranking service, cached list",
                f"{benchmark.ranking_lists_per_core:,} requests per core second",
            ],
            ["aggregator, memory at start", f"{mib(benchmark.worker_bytes_at_start)} MiB"],
        ],
    )


if __name__ == "__main__":
    write({})
