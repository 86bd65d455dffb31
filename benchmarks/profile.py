"""Profile a process with py-spy: its samples by stage."""

import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

Stages = Mapping[str, Sequence[str]]
"""Name of each stage, and the path prefixes of its code; the first match wins."""

# Next to this Python, where pip installs it, or else on PATH.
_PY_SPY = shutil.which("py-spy", path=str(Path(sys.executable).parent)) or shutil.which("py-spy")

REST = "event loop and other code"
_STARTING = "_find_and_load"
_STOP_SECONDS = 60


def missing() -> bool:
    """Return whether py-spy is not installed."""
    return _PY_SPY is None


@dataclass
class Profile:
    """Samples a process; `samples` has each stack and how often it occurred."""

    file: Path
    samples: list[tuple[list[str], int]] = field(default_factory=list)

    @contextmanager
    def of(self, pid: int) -> Iterator[None]:
        """Sample a process meanwhile. It is not paused, so some stacks are inconsistent."""
        options = ["--nonblocking", "--threads", "--duration", "3600", "--rate", "100"]
        options += ["--format", "raw", "--output", str(self.file), "--pid", str(pid)]
        process = subprocess.Popen(
            [_PY_SPY or "py-spy", "record", *options],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            yield
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(_STOP_SECONDS)
        self.samples = list(_samples(self.file.read_text()))


def _samples(raw: str) -> Iterator[tuple[list[str], int]]:
    for line in raw.splitlines():
        stack, _, times = line.rpartition(" ")
        if _STARTING not in stack:
            yield stack.split(";"), int(times)


def shares(samples: Sequence[tuple[list[str], int]], stages: Stages) -> dict[str, float]:
    """Return the percentage of all samples by stage.

    A sample belongs to the stage of its innermost frame that belongs to any.
    """
    counts: Counter[str] = Counter()
    for stack, times in samples:
        counts[_stage(stack, stages)] += times
    return {name: 100 * counts[name] / max(1, counts.total()) for name in [*stages, REST]}


def _stage(stack: Sequence[str], stages: Stages) -> str:
    for frame in reversed(stack):
        path = frame[frame.rfind("(") + 1 :]
        for name, prefixes in stages.items():
            if path.startswith(tuple(prefixes)):
                return name
    return REST
