"""Articles and placements: a consumer group of their own, which the counting does not notice."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest
from kafka import KafkaProducer
from kafka.admin import NewPartitions

from mostread.infra.clickhouse.client import connect
from mostread.infra.kafka import topics
from mostread.infra.kafka.admin import committed_offsets, describe_group
from mostread.infra.kafka.config import client_options
from mostread.infra.kafka.decompression import MAX_BATCH_BYTES
from tests.support.system import System, wait_until


@contextmanager
def producer(system: System, **options: object) -> Iterator[KafkaProducer]:
    with closing(KafkaProducer(**client_options(system.kafka), acks="all", **options)) as client:
        yield client


def publish(system: System, title: str) -> None:
    """Write an article of the title."""
    with producer(system) as client:
        value = json.dumps({"article_id": title, "title": title}).encode()
        key = f"article:default:{title}".encode()
        client.send(system.kafka.articles_topic, key=key, value=value, partition=0).get(30)


def send_view(system: System, number: int) -> None:
    with producer(system) as client:
        value = json.dumps({"type": "view", "article_id": "a", "id": f"e{number}"}).encode()
        client.send(system.kafka.events_topic, key=b"default/a", value=value, partition=0).get(30)


def titles(system: System) -> set[str]:
    with closing(connect(system.clickhouse)) as client:
        return {
            row[0] for row in client.query("SELECT title FROM article_versions FINAL").result_rows
        }


def generation_log(worker_log: str) -> int:
    return worker_log.count('"partitions_assigned"')


def articles_group(system: System) -> str:
    return f"{system.environment['MOSTREAD_AGGREGATOR_GROUP']}-articles"


def test_bad_article_record_becomes_a_dead_letter_and_others_are_stored(system: System) -> None:
    worker = system.service("aggregator").wait_ready()
    publish(system, "first")
    with producer(system) as client:
        for key, value in ((b"rubbish", b"\xff\xfe"), (b"", b"{}"), (b"article:x:y", b"[[[")):
            client.send(system.kafka.articles_topic, key=key, value=value, partition=0).get(30)
    publish(system, "second")
    wait_until(lambda: titles(system) == {"first", "second"}, "the articles are stored")
    send_view(system, 1)
    wait_until(lambda: system.counted() == 1, "the view is counted")
    assert worker.running()
    assert "articles_failed" not in worker.log.read_text()
    with topics.admin(system.kafka) as admin:
        name = system.kafka.articles_topic
        wait_until(
            lambda: committed_offsets(admin, articles_group(system), name).get(0) == 5,
            "the offset of every record is committed",
        )


def test_rebalance_of_the_articles_group_does_not_touch_the_events_group(system: System) -> None:
    worker = system.service("aggregator").wait_ready()
    publish(system, "before")
    wait_until(lambda: titles(system) == {"before"}, "the article is stored")
    assignments = generation_log(worker.log.read_text())
    with topics.admin(system.kafka) as admin:
        admin.create_partitions({system.kafka.articles_topic: NewPartitions(6)})

        def is_assigned() -> bool:
            topic = system.kafka.articles_topic
            return describe_group(admin, articles_group(system), topic).unassigned(6) == []

        wait_until(is_assigned, "the new partitions are assigned")
    publish(system, "after")
    wait_until(lambda: titles(system) == {"before", "after"}, "the article is stored")
    assert generation_log(worker.log.read_text()) == assignments


@pytest.mark.parametrize("abort", [True, False])
def test_transaction_of_articles_is_stored_only_if_committed(system: System, abort: bool) -> None:
    worker = system.service("aggregator").wait_ready()
    with producer(system, transactional_id=f"t{abort}") as client:
        client.init_transactions()
        client.begin_transaction()
        value = json.dumps({"article_id": "t", "title": "t"}).encode()
        client.send(system.kafka.articles_topic, key=b"article:default:t", value=value, partition=0)
        client.abort_transaction() if abort else client.commit_transaction()
    publish(system, "after")
    expected = {"after"} if abort else {"t", "after"}
    wait_until(lambda: titles(system) == expected, "the articles are stored")
    lag = 'mostread_aggregator_articles_lag_records{partition="0"}'
    wait_until(lambda: worker.samples().get(lag) == 0, "nothing waits")


def publish_bomb(system: System) -> int:
    """Write an article that cannot be read, of a few KiB on the wire; return its offset."""
    with producer(system, compression_type="gzip", max_request_size=1 << 30) as client:
        sent = client.send(
            system.kafka.articles_topic,
            key=b"article:default:bomb",
            value=b" " * (MAX_BATCH_BYTES + 1),
            partition=0,
        )
        return int(sent.get(60).offset)


def test_unreadable_batch_stops_articles_but_not_the_counting_until_it_is_skipped(
    system: System,
) -> None:
    worker = system.service("aggregator").wait_ready()
    publish(system, "before")
    bomb = publish_bomb(system)
    publish(system, "after")
    wait_until(lambda: '"partition_stopped"' in worker.log.read_text(), "the partition stops")
    lag = 'mostread_aggregator_articles_lag_records{partition="0"}'
    wait_until(lambda: worker.metric(lag) == 2, "the metric shows what waits")
    send_view(system, 1)
    wait_until(lambda: system.counted() == 1, "the view is counted")
    assert worker.is_ready()
    assert titles(system) == {"before"}
    topic = system.kafka.articles_topic
    sample = f'mostread_aggregator_stopped_partitions{{partition="0",topic="{topic}"}}'
    assert worker.metric(sample) == 1

    position = (topic, "0", str(bomb))
    subprocess.run(
        [sys.executable, "-m", "mostread", "skip", *position, "--yes"],
        env=os.environ | system.environment,
        check=True,
        timeout=120,
    )
    wait_until(lambda: titles(system) == {"before", "after"}, "the rest is stored")
    wait_until(lambda: worker.metric(sample) == 0, "the metric shows that it continues")

    assert worker.stop() == 0
    publish_bomb(system)
    publish(system, "last")
    worker.start(MOSTREAD_AGGREGATOR_SKIP_AFTER="1")
    wait_until(lambda: titles(system) == {"before", "after", "last"}, "it skips by itself")


def publish_alias(system: System, old: str, new: str | None) -> None:
    value = {"site": "default", "article_id": old, "alias_of": new, "deleted": new is None}
    with producer(system) as client:
        body = json.dumps({name: each for name, each in value.items() if each}).encode()
        key = f"alias:default:{old}".encode()
        client.send(system.kafka.articles_topic, key=key, value=body, partition=0).get(30)


def canonical_ids(system: System) -> dict[str, str]:
    with closing(connect(system.clickhouse)) as client:
        rows = client.query(
            "SELECT article_id, canonical_id FROM canonical_id_versions FINAL "
            "WHERE canonical_id != ''"
        ).result_rows
        return dict(rows)


def test_aliases_are_resolved_in_any_order_and_after_a_restart(system: System) -> None:
    worker = system.service("aggregator").wait_ready()
    publish_alias(system, "b", "c")
    wait_until(lambda: canonical_ids(system) == {"b": "c"}, "the alias is resolved")
    publish_alias(system, "a", "b")
    wait_until(lambda: canonical_ids(system) == {"a": "c", "b": "c"}, "the chain is resolved")
    # A circle by another writer: its oldest alias has no effect.
    publish_alias(system, "c", "a")
    wait_until(lambda: canonical_ids(system) == {"a": "b", "c": "b"}, "the circle is cut")
    worker.kill()
    publish_alias(system, "c", None)
    system.service("aggregator").wait_ready()
    wait_until(lambda: canonical_ids(system) == {"a": "c", "b": "c"}, "the circle is gone")
