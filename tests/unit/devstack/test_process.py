"""Processes of the stack: they end with their parent, however that ended."""

import os
import select
import subprocess
import sys
from pathlib import Path

from mostread.devstack.process import spawn, stop, tail

PARENT = """
import os, pathlib, signal, sys
from mostread.devstack.process import spawn
log = pathlib.Path(sys.argv[1])
child = spawn([sys.executable, "-c", "import signal; signal.pause()"], log=log, env=os.environ)
print(child.pid, flush=True)
signal.pause()
"""


def wait_ended(pid: int) -> None:
    """Wait until a child has ended, without reaping it."""
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)


def test_spawned_process_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PARENT, str(tmp_path / "child.log")]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as parent:
        assert parent.stdout
        child = os.pidfd_open(int(parent.stdout.readline()))
        parent.kill()
    select.select([child], [], [])
    os.close(child)


def test_spawn_appends_output_and_passes_only_the_given_environment(tmp_path: Path) -> None:
    log = tmp_path / "logs" / "say.log"
    code = "import os, sys; print(os.environ['SAY']); print('oh', file=sys.stderr)"
    for word in ("one", "two"):
        assert spawn([sys.executable, "-c", code], log=log, env={"SAY": word}).wait() == 0
    assert sorted(log.read_text().split()) == ["oh", "oh", "one", "two"]
    assert len(tail(log, lines=2).splitlines()) == 2
    assert tail(tmp_path / "missing.log") == ""


def test_stop_accepts_a_process_that_has_ended_by_itself(tmp_path: Path) -> None:
    ended = spawn([sys.executable, "-c", ""], log=tmp_path / "log", env={})
    wait_ended(ended.pid)
    assert stop(ended, timeout=60)
