"""Run the peers in `programs/`, each as a process."""

import dataclasses
import json
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import committed
from benchmarks.committed import Condition
from benchmarks.contestant import Measured, Servers
from benchmarks.log import Log

_PROGRAMS = Path(__file__).with_name("programs")
_PINNED = Path(__file__).parents[1] / "requirements/peers.txt"
_STOP_SECONDS = 60
_QUIET_SECONDS = 180
"""A program that has not counted more for so long has finished."""

PEERS = Path(sys.prefix, "peers/bin/python")
"""Python with Quix Streams and Pathway, which need other versions than mostread."""


def run(name: str, log: Log, *more: str, peer: bool = False, reports: bool = False) -> Measured:
    """Run `programs/<name>.py BROKERS TOPIC GROUP ...` until it has counted all of `log`.

    On SIGTERM the program prints `counted {"ARTICLE": EVENTS, ...}`. If it starts counting before
    all partitions are assigned, it prints `before N` at that time, and only later events determine
    its speed. A `peer` runs with the Python of PEERS and does not log its assignment; one that
    `reports` prints `total N` whenever it has counted N events, as its offsets do not tell.
    """
    group_name = f"{name}_{time.time_ns()}"
    arguments = [log.kafka.kafka_brokers, log.kafka.events_topic, group_name, *more]
    with tempfile.TemporaryDirectory() as directory, committed.group(log, group_name) as group:
        output = Path(directory, "output")
        with output.open("wb") as out:
            process = subprocess.Popen(
                [PEERS if peer else sys.executable, _PROGRAMS / f"{name}.py", *arguments],
                cwd=directory,
                stdout=out,
                stderr=subprocess.STDOUT,
            )
        try:
            measured = committed.watch(
                log,
                process.pid,
                assigned=group.is_stable if peer else committed.logs_assignment(output),
                finished=_reported(output, log.load.events) if reports else group.has_committed,
            )
            process.send_signal(signal.SIGTERM)
            process.wait(_STOP_SECONDS)
        finally:
            process.kill()
            process.wait()
        counted = re.search(rb"counted (\{.*\})", output.read_bytes())
        assert counted, output.read_text()[-2000:]
        before = re.search(rb"before (\d+)", output.read_bytes())
    rest = log.load.events - int(before[1] if before else 0)
    # A small log may be finished already; its speed is meaningless then.
    speed = measured.events_per_second * (rest / log.load.events or 1)
    wrong = log.wrong(json.loads(counted[1]))
    return dataclasses.replace(measured, wrong=wrong, events_per_second=speed)


def _reported(output: Path, events: int) -> Condition:
    """Return the condition that a program has reported `events`, or counts no more."""
    best, since = 0, time.monotonic()

    def condition() -> bool:
        nonlocal best, since
        totals = re.findall(rb"total (\d+)\n", output.read_bytes())
        total = int(totals[-1]) if totals else 0
        if total > best:
            best, since = total, time.monotonic()
        return total >= events or time.monotonic() > since + _QUIET_SECONDS

    return condition


def peer_versions() -> str:
    """Return the pinned versions of Quix Streams and Pathway."""
    versions = re.findall(r"^(pathway|quixstreams)==(\S+)", _PINNED.read_text(), re.MULTILINE)
    return f"Peers: {', '.join(' '.join(each) for each in versions)}."


def idiomatic_faust(_: Servers, log: Log) -> Measured:
    """Count with the usual Faust program."""
    return run("idiomatic_faust", log)


def bare_loop(_: Servers, log: Log) -> Measured:
    """Count with mostread's rules on a plain consumer, without Faust and a database."""
    return run("bare_loop", log)


def clickhouse_engine(_: Servers, log: Log, *, consumers: int) -> Measured:
    """Count with ClickHouse's Kafka engine; the measurement starts when all consumers joined."""
    return run("clickhouse_engine", log, str(consumers))


def quix_windows(_: Servers, log: Log) -> Measured:
    """Count with Quix Streams in windows of a minute."""
    return run("quix_windows", log, peer=True)


def quix_state(_: Servers, log: Log) -> Measured:
    """Count with Quix Streams in its state store."""
    return run("quix_state", log, peer=True)


def pathway(_: Servers, log: Log, *, dedup: bool) -> Measured:
    """Count with Pathway."""
    more = [str(log.load.events_per_record), "dedup" if dedup else "no-dedup"]
    return run("pathway_counts", log, *more, peer=True, reports=True)
