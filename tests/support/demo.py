"""`mostread demo` as a process."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mostread.devstack.ports import Ports

MOSTREAD = [sys.executable, "-m", "mostread"]


@contextmanager
def demo(
    data: Path, ports: Ports, *options: str, **environment: str
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run a demo; yield it with its output up to the line on how to stop it."""
    command = [*MOSTREAD, "demo", f"--data={data}", f"--ports={ports.base}", *options]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | environment,
    ) as process:
        try:
            assert process.stdout
            output = ""
            while not output.rpartition("\n\n")[2].count("Stop with Ctrl-C"):
                line = process.stdout.readline()
                assert line, f"the demo ended early: {output}"
                output += line
            yield process, output
        finally:
            process.terminate()
            process.communicate()
