"""One stack per data directory, found by others through its env file."""

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from mostread.devstack import data_dir
from mostread.devstack.data_dir import DataDir, load_or_create_secret
from mostread.errors import Misconfigured

HOLD = """
import pathlib, signal, subprocess, sys
from mostread.devstack.data_dir import DataDir
data = DataDir(pathlib.Path(sys.argv[1]))
with data.locked() as lock:
    data.write_env({"MOSTREAD_A": "held"})
    wait = [sys.executable, "-c", "import signal; signal.pause()"]
    child = subprocess.Popen(wait, pass_fds=[lock])
    print(child.pid)
    signal.pause()
"""


@contextmanager
def holding(data: DataDir) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """A process that has locked the directory, and the id of a child that inherited the lock."""
    command = [sys.executable, "-uc", HOLD, str(data.path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as holder:
        assert holder.stdout
        child = int(holder.stdout.readline())
        try:
            yield holder, child
        finally:
            holder.kill()
            with suppress(ProcessLookupError):
                os.kill(child, 9)


def test_locked_directory_is_refused_with_holder_and_command_to_stop_it(tmp_path: Path) -> None:
    data = DataDir(tmp_path / "data")
    assert not data.is_running()
    with holding(data) as (holder, _):
        assert data.is_running()
        message = rf"process {holder.pid}\).*mostread down --data"
        with pytest.raises(Misconfigured, match=message), data.locked():
            pass
        assert not data.wait_stopped(timeout=0)


def test_terminate_ends_the_holder_and_nobody_else(tmp_path: Path) -> None:
    data = DataDir(tmp_path)
    with holding(data) as (holder, _):
        assert data.terminate() == holder.pid
        assert holder.wait() == -15
        assert data.wait_stopped(timeout=0)
    # The id of a process that runs, and does not hold the lock.
    (tmp_path / "pid").write_text(str(os.getpid()))
    assert data.terminate() is None


def test_lock_waits_for_the_processes_of_a_killed_holder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, reported = DataDir(tmp_path), list[str]()
    monkeypatch.setattr(data_dir, "LEFTOVER_SECONDS", 0)
    with holding(data) as (holder, child):
        holder.kill()
        holder.wait()
        assert data.wait_stopped(timeout=0)
        assert data.read_env() is None
        with pytest.raises(Misconfigured, match="still run"), data.locked(reported.append):
            pass
        assert len(reported) == 1
        os.kill(child, 9)
        monkeypatch.setattr(data_dir, "LEFTOVER_SECONDS", 60)
        with data.locked():
            assert (tmp_path / "pid").read_text() == str(os.getpid())


def test_env_is_readable_while_the_stack_runs(tmp_path: Path) -> None:
    data = DataDir(tmp_path)
    settings = {"MOSTREAD_A": 'it\'s "one"\nand two', "MOSTREAD_B": "", "MOSTREAD_C": "{#x}"}
    assert data.read_env() is None
    with data.locked():
        data.write_env(settings)
        assert stat.S_IMODE(data.env.stat().st_mode) == 0o600
        assert data.read_env() == settings
        sourced = subprocess.run(
            ["sh", "-c", f'. "{data.env}"; printf %s "$MOSTREAD_A"'],
            capture_output=True,
            text=True,
            check=True,
        )
        assert sourced.stdout == settings["MOSTREAD_A"]
    assert data.read_env() is None
    assert not data.env.exists()


def test_secret_is_created_once_and_private(tmp_path: Path) -> None:
    file = tmp_path / "data" / "cms-token"
    secret = load_or_create_secret(file)
    assert len(secret) >= 32
    assert load_or_create_secret(file) == secret
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in file.parent.iterdir()] == ["cms-token"]


def test_secrets_of_two_directories_differ(tmp_path: Path) -> None:
    assert load_or_create_secret(tmp_path / "a") != load_or_create_secret(tmp_path / "b")
