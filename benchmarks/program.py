"""Run the peers in `programs/`, each as a process."""

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

    On SIGTERM the program prints `counted N`. If it starts counting before all partitions are
    assigned, it prints `before N` at that time, and only later events determine its speed.
    """
    group = f"{name}_{time.time_ns()}"
    arguments = [log.kafka.kafka_brokers, log.kafka.events_topic, group, *more]
    with tempfile.TemporaryDirectory() as directory:
        log_file = Path(directory, "output")
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
    # A small log may be finished already; its speed is meaningless then.
    speed = measured.events_per_second * (rest / log.load.events or 1)
    return dataclasses.replace(measured, counted=int(counted[1]), events_per_second=speed)


def idiomatic_faust(_: Servers, log: Log) -> Measured:
    """Count with the usual Faust program."""
    return run("idiomatic_faust", log)


def bare_loop(_: Servers, log: Log) -> Measured:
    """Count with mostread's rules on a plain consumer, without Faust and a database."""
    return run("bare_loop", log)


def clickhouse_engine(_: Servers, log: Log, *, consumers: int) -> Measured:
    """Count with ClickHouse's Kafka engine; the measurement starts when all consumers joined."""
    return run("clickhouse_engine", log, str(consumers))
