"""Processor time of a process."""

import os
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def used(pid: int) -> float:
    """Return the seconds of processor time that `pid` and the processes it started have used."""
    # Behind the name, which stands in brackets and may hold blanks.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return (int(fields[11]) + int(fields[12])) / _TICKS + sum(used(int(each)) for each in children)
