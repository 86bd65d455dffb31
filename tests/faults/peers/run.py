"""A peer under the faults of a schedule, and what its table lacks."""

import os
import subprocess
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from kafka import TopicPartition
from kafka.errors import KafkaError

from mostread.infra.kafka import topics
from tests.faults import kafka_faults, worker_faults
from tests.faults.fault import Fault
from tests.faults.log import ends
from tests.faults.peers.feed import PeerFeed
from tests.faults.peers.programs import GROUP, LOG, Peer
from tests.faults.play import Report, play
from tests.faults.rig import Rig, kafka_behind_proxy
from tests.faults.schedule import Planned
from tests.faults.workers import Workers
from tests.support.system import System

FAULTS: list[Fault[Rig]] = [
    *worker_faults.FAULTS,
    *kafka_faults.FAULTS,
    kafka_faults.DOWN_FOR_A_MINUTE,
]
"""Faults that also apply to a program without a collector and a database."""

ROOT = Path(__file__).parents[3]
RATE = 300
CATCHES_UP_IN_SECONDS = 240


class Program:
    """The peer as a process, in a folder of its own."""

    def __init__(self, peer: Peer, system: System, number: int) -> None:
        self._folder = system.directory / f"peer-{number}"
        self._folder.mkdir()
        where = [system.kafka.kafka_brokers, system.kafka.events_topic, GROUP]
        self._command = [*peer.program, *where, *peer.arguments]

    @property
    def pid(self) -> int:
        return self._process.pid

    def start(self) -> "Program":
        with (self._folder / LOG).open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                cwd=self._folder,
                env=os.environ | {"PYTHONPATH": str(ROOT)},
                stdout=log,
                stderr=log,
            )
        return self

    def running(self) -> bool:
        return self._process.poll() is None

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def stop(self) -> int:
        """Ask it to end; where it does not within half a minute, kill it."""
        self._process.terminate()
        try:
            return self._process.wait(30)
        except subprocess.TimeoutExpired:
            self.kill()
            return self._process.returncode


@dataclass
class Loss:
    """Table values compared with acknowledged events."""

    acknowledged: int
    in_log: int
    lost: int
    doubled: int
    wrong_keys: int
    keys: int
    caught_up: bool

    def __str__(self) -> str:
        return (
            f"{self.acknowledged:,} events acknowledged, {self.in_log:,} in the log; "
            f"{self.lost:,} lost, {self.doubled:,} "
            f"counted more than once, {self.wrong_keys:,} of {self.keys:,} counters wrong"
            + ("" if self.caught_up else "; it stood still and did not read its topic to the end")
        )


def run(
    peer: Peer, directory: Path, planned: Sequence[Planned], *, seed: int, report: Report
) -> Loss:
    """Play the faults of `planned` that `peer` can meet; return what its table lacks."""
    with ExitStack() as stack:
        kafka, kafka_line = stack.enter_context(kafka_behind_proxy(directory / "kafka"))
        system = System(kafka.brokers, "http://127.0.0.1:1", "peer", directory)
        with topics.admin(system.kafka) as admin:
            wanted = topics.configurations(
                system.kafka, partitions=4, replication=1, retention_days=1
            )
            topics.create_missing(admin, wanted)
        numbers = iter(range(100))
        rig = Rig(
            kafka=kafka,
            kafka_line=kafka_line,
            workers=Workers(lambda: Program(peer, system, next(numbers)).start(), 2),
            topic=system.kafka.events_topic,
        )
        stack.callback(rig.workers.end)
        feed = PeerFeed(kafka.brokers, rig.topic, seed=seed, rate=RATE)
        stack.callback(feed.stop)
        feed.start()
        play(rig, planned, FAULTS, report)
        feed.stop()
        assert not feed.unknown, f"{feed.unknown} events of unknown outcome"
        caught_up = _catches_up(rig, system)
        report(f"programs that ended by themselves and were started again: {rig.workers.died}")
        for process in list(rig.workers.all()):
            rig.workers.remove(process)
        table, in_log = peer.table(system), sum(ends(system).values())
    return loss(dict(feed.acknowledged), table, in_log=in_log, caught_up=caught_up)


def _catches_up(rig: Rig, system: System) -> bool:
    """Wait until every offset is committed; return whether that happens in time."""
    with topics.admin(system.kafka) as admin:
        wanted = ends(system)

        def committed() -> bool:
            try:
                offsets = admin.list_group_offsets([GROUP])[GROUP]
            except KafkaError:
                return False  # no program has joined yet
            return all(
                offsets.get(partition) is not None and offsets[partition].offset >= end
                for number, end in wanted.items()
                for partition in (TopicPartition(rig.topic, number),)
            )

        try:
            rig.wait(committed, "the peer has read its topic", CATCHES_UP_IN_SECONDS)
        except AssertionError:
            return False
    return True


def loss(truth: dict[str, int], table: dict[str, int], *, in_log: int, caught_up: bool) -> Loss:
    keys = truth.keys() | table.keys()
    errors = [table.get(key, 0) - truth.get(key, 0) for key in keys]
    return Loss(
        acknowledged=sum(truth.values()),
        in_log=in_log,
        lost=-sum(error for error in errors if error < 0),
        doubled=sum(error for error in errors if error > 0),
        wrong_keys=sum(error != 0 for error in errors),
        keys=len(keys),
        caught_up=caught_up,
    )
