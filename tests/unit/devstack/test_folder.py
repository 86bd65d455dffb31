"""One stack a folder; what a killed one left running is found again, and nobody else is hit."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from mostread.devstack.data_dir import DataFolder
from mostread.devstack.process import Identity
from mostread.errors import Misconfigured


@contextmanager
def running(code: str, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """A Python process that has said a line, so that it is where the test wants it."""
    command = [sys.executable, "-uc", code, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout
            assert process.stdout.readline()
            yield process
        finally:
            process.kill()


WAIT = "import signal; print('here'); signal.pause()"
HOLD = """
import pathlib, signal, sys
from mostread.devstack.data_dir import DataFolder
with DataFolder(pathlib.Path(sys.argv[1])).held():
    print("held")
    signal.pause()
"""


def test_a_held_folder_is_refused_with_the_holder_and_the_way_out(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "data")
    assert not folder.is_held()
    with running(HOLD, str(folder.path)) as holder:
        assert folder.is_held()
        assert folder.holder() == Identity.of(holder.pid)
        with (
            pytest.raises(Misconfigured, match=f"process {holder.pid}.*mostread down --data"),
            folder.held(),
        ):
            pass
        assert not folder.wait_released(timeout=0)


def test_a_holder_that_was_killed_holds_nothing(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    with running(HOLD, str(tmp_path)) as holder:
        holder.kill()
        holder.wait()
        assert folder.wait_released(timeout=0)
        assert folder.holder() is None
        with folder.held():
            assert folder.holder() == Identity.of_self()


def test_orphans_are_ended_once(tmp_path: Path) -> None:
    folder, said = DataFolder(tmp_path), list[str]()
    with running(WAIT) as orphan:
        folder.remember({"collector": orphan.pid})
        folder.end_orphans(said.append)
        assert orphan.wait() == -signal.SIGTERM
    assert len(said) == 1
    folder.end_orphans(said.append)
    assert len(said) == 1


def test_a_stranger_with_a_remembered_number_is_left_alone(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    with running(WAIT) as stranger:
        folder.remember({"collector": stranger.pid})
        file = tmp_path / "processes.json"
        remembered = json.loads(file.read_text())
        remembered["collector"]["started"] = "another boot/1"
        file.write_text(json.dumps(remembered))

        folder.end_orphans(pytest.fail)
        assert stranger.poll() is None
        identity = Identity.of(stranger.pid)
        assert identity
        assert replace(identity, started="another boot/1").end(timeout=0)
        assert stranger.poll() is None


def test_a_process_that_is_only_waited_for_counts_as_gone() -> None:
    with running(WAIT) as process:
        identity = Identity.of(process.pid)
        assert identity
        assert identity.is_alive()
        assert identity.end(timeout=60)
        assert not identity.is_alive()
        assert Identity.of(process.pid) is None
