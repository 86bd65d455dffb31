"""Dead letters that are large, refused or have no topic: they never stop the counting."""

import random

import orjson
import pytest
from click.testing import CliRunner
from kafka import KafkaProducer
from kafka.admin import ConfigResource, ConfigResourceType

from mostread.cli.dead_letters import dead_letters
from mostread.core.dead_letters import MAX_LINE_BYTES, DeadLetter
from mostread.core.editorial.articles import article_key
from mostread.infra.kafka import topics
from mostread.ops.dead_letters.topic import DeadLetterTopic
from tests.faults.verdict import against_recount, audit
from tests.support.system import Service, System, wait_until

GOOD = b'{"type":"view","article_id":"a"}'


def produce(system: System, topic: str, *values: bytes, key: bytes = b"a", codec: str = "") -> None:
    """Write records to one partition, together."""
    producer = KafkaProducer(
        bootstrap_servers=system.kafka.bootstrap_servers,
        compression_type=codec or None,
        max_request_size=1 << 28,
        linger_ms=200,
    )
    sent = [producer.send(topic, key=key, value=value) for value in values]
    for future in sent:
        future.get(60)
    producer.close()


def alter_dead_letters(system: System, **configs: str) -> None:
    """Alter the dead letters topic, and wait until it is."""
    name = system.kafka.dead_letters_topic
    wanted = {key.replace("_", "."): value for key, value in configs.items()}
    with topics.admin(system.kafka) as client:
        client.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, wanted)])
        wait_until(
            lambda: wanted.items() <= topics.describe_configs(client, [name])[name].items(),
            "the topic is altered",
        )


def letters(system: System) -> list[DeadLetter]:
    stored = [each.letter for batch in DeadLetterTopic(system.kafka).read() for each in batch]
    assert all(isinstance(letter, DeadLetter) for letter in stored)
    return [letter for letter in stored if isinstance(letter, DeadLetter)]


def incompressible(length: int) -> bytes:
    return random.Random(1).randbytes(length // 2).hex().encode()


def test_lines_of_any_size_become_letters_and_counting_goes_on(system: System) -> None:
    system.service("aggregator").wait_ready()
    events = system.kafka.events_topic
    quoted_in_the_reason = b'{"type":"' + b'\\"' * 999_000 + b'","article_id":"x"}'
    unpacked = b'{"type":"view","article_id":"' + b"x" * 6_000_000 + b'"}'
    produce(system, events, GOOD, quoted_in_the_reason, b"y" * 2_000_000, GOOD)
    many = b"\n".join(b'{"type":"view","article_id":"gz","id":"%d"}' % n for n in range(200_000))
    produce(system, events, unpacked, many, codec="gzip")
    against_recount(system)
    assert sum(each["counted"] for each in system.outcomes().values()) == 200_002
    assert [letter.length for letter in letters(system)] == [
        len(quoted_in_the_reason),
        2_000_000,
        len(unpacked),
    ]
    assert {len(letter.raw) for letter in letters(system)} == {MAX_LINE_BYTES}

    runner = CliRunner()
    shown = runner.invoke(dead_letters, ["list"], env=system.environment)
    assert "(holds 262,144 of 2,000,000 bytes)" in shown.stdout
    replayed = runner.invoke(dead_letters, ["replay"], env=system.environment)
    assert (replayed.exit_code, replayed.stderr.count("read line 0 of the record at")) == (1, 3)
    code, output = audit(system)
    assert code == 0, output


@pytest.mark.parametrize("codec", ["producer", "zstd"])
def test_letters_that_the_topic_refuses_cost_only_themselves(system: System, codec: str) -> None:
    worker = system.service("aggregator").wait_ready()
    events = system.kafka.events_topic
    long = incompressible(5_000)
    alter_dead_letters(system, max_message_bytes="900", compression_type=codec)
    produce(system, events, b"short", long, GOOD, b"brief")
    against_recount(system)
    lines = {letter.raw or letter.length for letter in letters(system)}
    assert lines == {b"short", b"brief", len(long)}
    assert worker.metric("mostread_aggregator_dead_letters_lost_total") == 0

    alter_dead_letters(system, max_message_bytes="100")
    produce(system, events, long, GOOD)
    against_recount(system)
    assert worker.metric("mostread_aggregator_dead_letters_lost_total") == 1
    (lost,) = [line for line in worker.log.read_text().splitlines() if "dead_letter_lost" in line]
    assert orjson.loads(lost)["length"] == len(long)
    produce(system, system.kafka.articles_topic, long, key=article_key("default", "bad"))
    lost_of_articles(worker)
    code, output = audit(system)
    assert code == 0, output


def lost_of_articles(worker: Service) -> None:
    wait_until(
        lambda: worker.metric("mostread_aggregator_dead_letters_lost_total") == 2,
        "the article's letter is lost, too",
    )


def test_readiness_names_a_missing_topic_until_init_creates_it(system: System) -> None:
    worker = system.service("aggregator").wait_ready()
    events, name = system.kafka.events_topic, system.kafka.dead_letters_topic
    produce(system, events, b"first")
    against_recount(system)
    with topics.admin(system.kafka) as client:
        client.delete_topics([name])
    produce(system, events, b"second", GOOD)
    missing = f"the topic {name} does not exist; run `mostread init`"
    wait_until(lambda: missing in worker.failing(), "/readyz names the topic")
    system.init()
    worker.wait_ready()
    against_recount(system)
    assert [letter.text for letter in letters(system)] == ["second"]
