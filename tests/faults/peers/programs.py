"""The peers: how each is started, and where its table is when it has ended."""

import json
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import orjson
from kafka import KafkaConsumer, TopicPartition
from kafka.consumer.fetcher import ConsumerRecord

from benchmarks.program import PEERS
from tests.support.system import System

GROUP = "peer"
LOG = "log"


@dataclass(frozen=True)
class Peer:
    """A program that counts `article:type:minute`.

    Its arguments are brokers, topic, group and `arguments`; `table` returns the counts.
    """

    program: tuple[str, str]
    table: Callable[[System], dict[str, int]]
    arguments: tuple[str, ...] = ()


def _faust_table(system: System) -> dict[str, int]:
    records = _changelog(system, f"{GROUP}-counts-changelog")
    return {orjson.loads(record.key): orjson.loads(record.value) for record in records}


def _quix_table(system: System) -> dict[str, int]:
    records = _changelog(system, f"changelog__{GROUP}--{system.kafka.events_topic}--default")
    # A key is that of the message, a separator, and that of the state.
    return {
        orjson.loads(record.key.partition(b"|")[2]): orjson.loads(record.value)
        for record in records
    }


def _clickhouse_table(system: System) -> dict[str, int]:
    """Return the sum of what the servers printed; one that ended before has printed its own."""
    table: Counter[str] = Counter()
    for log in system.directory.glob(f"peer-*/{LOG}"):
        printed = re.findall(rb"^counted (.*)$", log.read_bytes(), re.MULTILINE)
        assert printed, log.read_text()[-2000:]
        table.update(json.loads(printed[-1]))
    return dict(table)


def _changelog(system: System, name: str) -> Iterator[ConsumerRecord]:
    """Yield the records of a changelog topic."""
    consumer = KafkaConsumer(
        bootstrap_servers=system.kafka.bootstrap_servers,
        enable_auto_commit=False,
    )
    partitions = [TopicPartition(name, number) for number in consumer.partitions_for_topic(name)]
    end = consumer.end_offsets(partitions)
    consumer.assign(partitions)
    consumer.seek_to_beginning(*partitions)
    while any(consumer.position(partition) < end[partition] for partition in partitions):
        for records in consumer.poll(timeout_ms=500).values():
            yield from records
    consumer.close()


def _program(name: str) -> str:
    return str(Path(__file__).with_name(f"{name}.py"))


ALL = {
    "faust": Peer((sys.executable, _program("faust_table")), _faust_table),
    "quix": Peer((str(PEERS), _program("quix_state")), _quix_table),
    "clickhouse": Peer(
        (sys.executable, _program("clickhouse_engine")), _clickhouse_table, ("tables",)
    ),
}
