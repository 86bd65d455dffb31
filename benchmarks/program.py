"""A peer as a program of its own, from `programs/`."""

import dataclasses
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import committed
from benchmarks.contestant import Measured, Servers
from benchmarks.log import Log

_PROGRAMS = Path(__file__).with_name("programs")
_STOP_SECONDS = 60


def run(name: str, log: Log, *more: str) -> Measured:
    """Run `programs/<name>.py BROKERS TOPIC GROUP ...` until it has committed all of `log`.

    On SIGTERM it prints `counted N`. One that begins before its partitions are all
    assigned says `before N` just then: only what it counts from there on is its speed.
    """
    group = f"{name}_{time.time_ns()}"
    arguments = [log.kafka.kafka_brokers, log.kafka.events_topic, group, *more]
    with tempfile.TemporaryDirectory() as directory:
        log_file = Path(directory, "said")
        with log_file.open("wb") as out:
            process = subprocess.Popen(
                [sys.executable, str(_PROGRAMS / f"{name}.py"), *arguments],
                cwd=directory,
                stdout=out,
                stderr=subprocess.STDOUT,
            )
        try:
            measured = committed.watch(log, group, log_file, process.pid)
            process.send_signal(signal.SIGTERM)
            process.wait(_STOP_SECONDS)
        finally:
            process.kill()
            process.wait()
        counted = re.search(rb"counted (\d+)", log_file.read_bytes())
        assert counted, log_file.read_text()[-2000:]
        before = re.search(rb"before (\d+)", log_file.read_bytes())
    rest = log.load.events - int(before[1] if before else 0)
    # A small log may be finished already; then its speed means nothing anyway.
    speed = measured.events_per_second * (rest / log.load.events or 1)
    return dataclasses.replace(measured, counted=int(counted[1]), events_per_second=speed)


def idiomatic_faust(_: Servers, log: Log) -> Measured:
    """Count with the usual Faust program."""
    return run("idiomatic_faust", log)


def bare_loop(_: Servers, log: Log) -> Measured:
    """Count with our rules on a bare consumer, without Faust and without a store."""
    return run("bare_loop", log)


def clickhouse_engine(_: Servers, log: Log, *, consumers: int) -> Measured:
    """Count with ClickHouse alone, all of its consumers having joined."""
    return run("clickhouse_engine", log, str(consumers))
