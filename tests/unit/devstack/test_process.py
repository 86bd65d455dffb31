"""A process of the stack ends with its parent, even one that is killed outright."""

import subprocess
import sys
import time
from pathlib import Path

from mostread.devstack.process import Identity, spawn, stop, tail

PARENT = """
import os, pathlib, signal, sys
from mostread.devstack.process import spawn
log = pathlib.Path(sys.argv[1])
child = spawn([sys.executable, "-c", "import signal; signal.pause()"], log=log, env=os.environ)
print(child.pid, flush=True)
signal.pause()
"""


def test_a_child_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PARENT, str(tmp_path / "child.log")]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as parent:
        assert parent.stdout
        child = Identity.of(int(parent.stdout.readline()))
        assert child
        parent.kill()
    while child.is_alive():
        time.sleep(0.01)


def test_output_is_appended_and_the_environment_is_what_was_given(tmp_path: Path) -> None:
    log = tmp_path / "logs" / "say.log"
    code = "import os, sys; print(os.environ['SAY']); print('oh', file=sys.stderr)"
    for word in ("one", "two"):
        assert spawn([sys.executable, "-c", code], log=log, env={"SAY": word}).wait() == 0
    assert sorted(log.read_text().split()) == ["oh", "oh", "one", "two"]
    assert len(tail(log, lines=2).splitlines()) == 2
    assert tail(tmp_path / "missing.log") == ""


def test_stopping_what_has_ended_by_itself_is_no_error(tmp_path: Path) -> None:
    ended = spawn([sys.executable, "-c", ""], log=tmp_path / "log", env={})
    while Identity.of(ended.pid):
        time.sleep(0.01)
    assert stop(ended, timeout=60)
