"""Processes of one kind that somebody supervises: what dies by itself is started again."""

import os
import signal
from collections.abc import Callable, Sequence
from typing import Protocol


class Process(Protocol):
    """A program that can be started again after it ended; tests/support/system.py has one."""

    @property
    def pid(self) -> int: ...
    def start(self) -> object: ...
    def running(self) -> bool: ...
    def kill(self) -> None: ...
    def stop(self) -> int: ...


class Workers:
    """Processes that ought to run, unless a fault has taken them down."""

    def __init__(self, spawn: Callable[[], Process], count: int) -> None:
        self._spawn = spawn
        self._up: list[Process] = [spawn() for _ in range(count)]
        self._down: list[Process] = []
        self.died = 0

    def one(self, number: int) -> Process:
        """Return one of those that ought to run."""
        return self._up[number % len(self._up)]

    def all(self) -> Sequence[Process]:
        return [*self._up, *self._down]

    def kill(self, process: Process) -> None:
        """End it as a power cut would; it stays down."""
        self._take_down(process)
        process.kill()

    def stop(self, process: Process) -> int:
        """Ask it to end, and return its exit code; it stays down."""
        self._take_down(process)
        return process.stop()

    def start(self, process: Process) -> None:
        """Restart the stopped workers."""
        self._down.remove(process)
        self._up.append(process)
        process.start()

    def add(self) -> Process:
        """Start one more."""
        process = self._spawn()
        self._up.append(process)
        return process

    def remove(self, process: Process) -> None:
        """Ask one to end, for good."""
        self._up.remove(process)
        process.stop()

    def end(self) -> None:
        """Kill all that run."""
        for process in self.all():
            if process.running():
                process.kill()

    def tend(self) -> None:
        """Restart workers that exited, as a supervisor would."""
        for process in self._up:
            if not process.running():
                self.died += 1
                process.start()

    def _take_down(self, process: Process) -> None:
        self._up.remove(process)
        self._down.append(process)


def freeze(process: Process) -> None:
    """Let it do nothing, and know nothing of it."""
    os.kill(process.pid, signal.SIGSTOP)


def thaw(process: Process) -> None:
    os.kill(process.pid, signal.SIGCONT)
