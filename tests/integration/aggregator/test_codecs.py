"""Batches in every codec, compressed by producers or by the broker, in all three topics."""

import subprocess
from collections.abc import Iterator

import orjson
import pytest
from kafka import KafkaProducer
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.record import MemoryRecords

from mostread.core.editorial.articles import article_key
from mostread.devstack.servers.kafka import LocalKafka
from mostread.infra.clickhouse.client import connect
from mostread.infra.kafka import topics
from mostread.ops.dead_letters.topic import DeadLetterTopic
from tests.faults.verdict import against_recount, audit
from tests.support.system import System, wait_until
from tests.support.tools import tool

CODECS = {"gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}
"""Their numbers in the attributes of a batch."""

# librdkafka and Kafka leave a batch uncompressed that compression would not make smaller.
LONG = "x" * 120


def events(source: str) -> list[bytes]:
    """Return three events and two lines that are none."""
    good = [
        {
            "type": "view",
            "article_id": source,
            "visitor": LONG,
            "id": f"{source}{number}{LONG[:50]}",
        }
        for number in range(3)
    ]
    return [*map(orjson.dumps, good), b"nonsense" * 99, b"rubbish" * 99]


def article(name: str) -> tuple[bytes, bytes]:
    """Return the key and the value of a record of the articles topic."""
    return article_key("default", name), orjson.dumps({"article_id": name, "title": LONG * 3})


def described(system: System) -> set[str]:
    client = connect(system.clickhouse)
    rows = client.query("SELECT article_id FROM article_versions FINAL").result_rows
    client.close()
    return {row[0] for row in rows}


def stored_codecs(kafka: LocalKafka, topic: str) -> list[int]:
    """Return the codecs of a topic's batches in the broker's files, without repetitions."""

    def codecs() -> Iterator[int]:
        for file in (kafka.data / "log").glob(f"{topic}-*/*.log"):
            records = MemoryRecords(file.read_bytes())
            while records.has_next():
                yield records.next_batch().compression_type

    return sorted(set(codecs()))


def dead_letters(system: System) -> int:
    return sum(len(batch) for batch in DeadLetterTopic(system.kafka).read())


@pytest.mark.parametrize("codec", CODECS)
def test_batches_of_producers_are_read_in_every_codec(
    kafka: LocalKafka, system: System, codec: str
) -> None:
    system.service("aggregator").wait_ready()
    kcat = [tool("kcat"), "-b", kafka.brokers, "-t", system.kafka.events_topic, "-z", codec]
    subprocess.run([*kcat, "-P", "-k", "c"], input=b"\n".join(events("kcat")), check=True)
    producer = KafkaProducer(bootstrap_servers=kafka.brokers, compression_type=codec)
    for value in events("python"):
        producer.send(system.kafka.events_topic, key=b"p", value=value).get(30)
    key, value = article("described")
    producer.send(system.kafka.articles_topic, key=key, value=value).get(30)
    producer.close()
    for topic in (system.kafka.events_topic, system.kafka.articles_topic):
        assert stored_codecs(kafka, topic) == [CODECS[codec]]

    against_recount(system)
    assert sum(each["counted"] for each in system.outcomes().values()) == 6, system.outcomes()
    wait_until(lambda: described(system) == {"described"}, "the article is described")
    assert dead_letters(system) == 4
    code, output = audit(system)
    assert code == 0, output


def test_batches_that_the_broker_compresses_are_read_in_every_codec(
    kafka: LocalKafka, system: System
) -> None:
    names = (
        system.kafka.events_topic,
        system.kafka.articles_topic,
        system.kafka.dead_letters_topic,
    )
    worker = system.service("aggregator").wait_ready()
    for codec in CODECS:
        resources = [
            ConfigResource(ConfigResourceType.TOPIC, name, {"compression.type": codec})
            for name in names
        ]
        with topics.admin(system.kafka) as client:
            client.alter_configs(resources)
        producer = KafkaProducer(bootstrap_servers=kafka.brokers)
        for value in events(codec):
            producer.send(system.kafka.events_topic, key=b"p", value=value).get(30)
        key, value = article(codec)
        producer.send(system.kafka.articles_topic, key=key, value=value).get(30)
        producer.close()
        against_recount(system)
    wait_until(lambda: described(system) == CODECS.keys(), "all articles are described")
    assert dead_letters(system) == 2 * len(CODECS)
    for name in names:
        assert stored_codecs(kafka, name) == list(CODECS.values())
    code, output = audit(system)
    assert code == 0, output
    assert worker.stop() == 0


def test_header_with_a_name_that_is_not_utf8_costs_no_record(
    kafka: LocalKafka, system: System
) -> None:
    system.service("aggregator").wait_ready()
    kcat = [tool("kcat"), "-b", kafka.brokers, "-t", system.kafka.events_topic, "-P", "-k", "c"]
    subprocess.run([*kcat, "-H", b"\xff=1"], input=b"\n".join(events("kcat")[:3]), check=True)
    against_recount(system)
    assert sum(each["counted"] for each in system.outcomes().values()) == 3, system.outcomes()
    code, output = audit(system)
    assert code == 0, output
