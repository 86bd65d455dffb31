"""Articles and placements: a consumer group of their own, which the counting does not notice."""

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest
from kafka import KafkaProducer
from kafka.admin import NewPartitions

from mostread.infra.clickhouse.client import connect
from mostread.infra.kafka import topics
from mostread.infra.kafka.admin import committed_offsets, describe_group
from mostread.infra.kafka.config import client_options
from tests.support.system import System, wait_until


@contextmanager
def producer(system: System, **options: object) -> Iterator[KafkaProducer]:
    with closing(KafkaProducer(**client_options(system.kafka), acks="all", **options)) as client:
        yield client


def publish(system: System, *titles: str, **options: object) -> None:
    """Write an article of each title, all to partition 0."""
    with producer(system, **options) as client:
        for title in titles:
            value = json.dumps({"article_id": title, "title": title}).encode()
            key = f"article:default:{title}".encode()
            client.send(system.kafka.articles_topic, key=key, value=value, partition=0).get(30)


def send_view(system: System, number: int) -> None:
    with producer(system) as client:
        value = json.dumps({"type": "view", "article_id": "a", "id": f"e{number}"}).encode()
        client.send(system.kafka.events_topic, key=b"default/a", value=value, partition=0).get(30)


def titles(system: System) -> set[str]:
    with closing(connect(system.clickhouse)) as client:
        return {row[0] for row in client.query("SELECT title FROM articles FINAL").result_rows}


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
