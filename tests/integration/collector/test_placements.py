"""An editor's decision from PUT to the list, through the real Kafka, ClickHouse and services."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from mostread.core.editorial.placements import placement_key
from mostread.devstack.servers.clickhouse import LocalClickHouse
from mostread.devstack.servers.kafka import LocalKafka
from mostread.infra.auth.tokens import hash_token
from mostread.infra.kafka import topics
from tests.support.collector import TOKENS
from tests.support.system import Service, System, wait_until


@dataclass
class Newsroom:
    """A system with three articles, and an editor who decides about them."""

    system: System
    collector: Service
    aggregator: Service
    ranking: Service
    site: str

    def ask(self, role: str, method: str, path: str, body: object = None) -> Any:
        request = urllib.request.Request(
            f"{self.collector.url}{path}?site={self.site}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {TOKENS[role]}"} if role else {},
        )
        with urllib.request.urlopen(request) as answer:
            said = answer.read()
        return json.loads(said) if said else None

    def decide(self, article_id: str, **said: object) -> Any:
        return self.ask("editor", "PUT", f"/v1/articles/{quote(article_id, '')}/placement", said)

    def read(self, path: str) -> Any:
        request = urllib.request.Request(
            f"{self.ranking.url}{path}?site={self.site}",
            headers={"Authorization": f"Bearer {TOKENS['editor']}"},
        )
        with urllib.request.urlopen(request) as answer:
            return json.loads(answer.read())

    def log(self, article_id: str) -> list[Any]:
        items: list[Any] = self.read(f"/v1/articles/{article_id}/placements")["items"]
        return items

    def listed(self) -> list[str]:
        """Return the list as ids, with a mark behind those that are pinned."""
        items = self.read("/v1/most-read")["items"]
        return [item["article_id"] + "!" * item["pinned"] for item in items]

    def wait_listed(self, *expected: str) -> None:
        wait_until(lambda: self.listed() == [*expected], f"the list is {expected}")


@pytest.fixture(scope="module")
def running(
    kafka: LocalKafka, clickhouse: LocalClickHouse, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Newsroom]:
    """One system for all tests; each has a site of its own."""
    name = f"newsroom_{uuid4().hex[:6]}"
    system = System(kafka.brokers, clickhouse.url, name, tmp_path_factory.mktemp("newsroom"))
    system.init()
    tokens = ",".join(f"{role}-desk:{role}:{hash_token(token)}" for role, token in TOKENS.items())
    collector = system.service("collector", MOSTREAD_COLLECTOR_TOKENS=tokens)
    aggregator = system.service("aggregator")
    ranking = system.service("ranking", MOSTREAD_RANKING_TOKENS=tokens)
    for service in (collector, aggregator, ranking):
        service.wait_ready()
    yield Newsroom(system, collector, aggregator, ranking, site="")
    system.end()


@pytest.fixture
def newsroom(running: Newsroom, request: pytest.FixtureRequest) -> Newsroom:
    newsroom = replace(running, site=request.node.name.replace("_", "-")[:64])
    events = [{"type": "view", "site": newsroom.site, "article_id": a} for a in "aaabbc"]
    newsroom.ask("emit", "POST", "/v1/events", events)
    newsroom.wait_listed("a", "b", "c")
    return newsroom


def test_what_an_editor_decides_is_in_the_list_and_in_the_log(newsroom: Newsroom) -> None:
    kept = newsroom.decide("c", pinned=1, reason="Шұғыл")
    assert kept == {
        "article_id": "c",
        "site": newsroom.site,
        "by": "editor-desk",
        "pinned": 1,
        "reason": "Шұғыл",
    }
    newsroom.wait_listed("c!", "a", "b")
    # What the CMS says comes under another key, and takes nothing back.
    newsroom.ask("cms", "PUT", "/v1/articles/c", {"title": "C", "pinned": 3})
    newsroom.decide("a", hidden=True)
    newsroom.wait_listed("c!", "b")
    newsroom.ask("editor", "DELETE", "/v1/articles/c/placement")
    newsroom.wait_listed("b", "c!")
    assert newsroom.read("/v1/articles/c")["title"] == "C"
    assert newsroom.read("/v1/articles/c")["pinned"] == 3

    # Taken back from the log, and that too: each is a decision of its own.
    lifted, pinned = newsroom.log("c")
    assert (lifted["by"], lifted["pinned"]) == ("editor-desk", None)
    assert (pinned["by"], pinned["pinned"], pinned["reason"]) == ("editor-desk", 1, "Шұғыл")
    newsroom.decide("c", **lifted["undo"])
    newsroom.wait_listed("c!", "b")
    undone = newsroom.log("c")[0]
    assert undone["undoes"] == lifted["id"]
    newsroom.decide("c", **undone["undo"])
    newsroom.wait_listed("b", "c!")
    (hidden,) = newsroom.log("a")
    newsroom.decide("a", **hidden["undo"])
    newsroom.wait_listed("a", "b", "c!")
    assert [item["undoes"] for item in newsroom.log("a")] == [hidden["id"], None]


def test_an_embargo_ends_and_an_article_expires_by_the_clock(newsroom: Newsroom) -> None:
    def in_ms(seconds: float) -> int:
        return int((time.time() + seconds) * 1000)

    newsroom.decide("a", embargo_until=in_ms(3600))
    newsroom.wait_listed("b", "c")
    newsroom.decide("a", embargo_until=(ends := in_ms(3)))
    newsroom.decide("b", expires_at=(expires := in_ms(3)))
    newsroom.wait_listed("a", "c")
    assert time.time() * 1000 >= max(ends, expires)


def test_only_editors_decide_and_what_is_no_decision_is_not_taken(newsroom: Newsroom) -> None:
    for role, body, status in (
        ("", {"hidden": True}, 401),
        ("cms", {"hidden": True}, 403),
        ("emit", {"hidden": True}, 403),
        ("editor", {"hiden": True}, 400),
        ("editor", {"hidden": True, "by": "somebody else"}, 400),
        ("editor", {"embargo_until": 2, "expires_at": 1}, 400),
        ("editor", {"hidden": True, "article_id": "b"}, 400),
    ):
        with pytest.raises(urllib.error.HTTPError) as refused:
            newsroom.ask(role, "PUT", "/v1/articles/a/placement", body)
        with refused.value as answer:
            assert answer.status == status
            assert answer.headers["Access-Control-Allow-Origin"] == "*"
            assert json.loads(answer.read())["type"].startswith("urn:mostread:problem:")
    newsroom.decide("{x}/%2F", hidden=True)
    newsroom.decide("c", hidden=True)
    newsroom.wait_listed("a", "b")
    assert newsroom.log("a") == []


def test_records_that_come_again_or_are_broken_change_nothing(newsroom: Newsroom) -> None:
    system = newsroom.system
    newsroom.decide("a", hidden=True)
    newsroom.decide("a", pinned=2)
    newsroom.wait_listed("b", "a!", "c")
    before = newsroom.log("a")
    write(newsroom, "a", {"article_id": "a", "by": "x", "hiden": True})
    write(newsroom, "b", {"article_id": "a", "by": "x", "hidden": True})
    write(newsroom, "b", None)
    wait_until(lambda: len(newsroom.log("b")) == 1, "what follows the broken ones is read")
    assert newsroom.log("b")[0]["by"] is None
    broken, misplaced = (letter["reason"] for letter in letters(system))
    assert "hiden" in broken
    assert "another article" in misplaced
    # A group that has read nothing yet reads all of the topic again.
    again = system.service("aggregator", MOSTREAD_AGGREGATOR_GROUP="another").wait_ready()
    wait_until(lambda: len(letters(system)) == 4, "it has read the broken ones")
    assert again.stop() == 0
    assert newsroom.log("a") == before
    assert len(newsroom.log("b")) == 1
    assert newsroom.listed() == ["b", "a!", "c"]


def test_decisions_outlive_a_topic_that_is_made_again(newsroom: Newsroom) -> None:
    system = newsroom.system
    for rank in (3, 2, 1):
        newsroom.decide("b", pinned=rank)
    newsroom.wait_listed("b!", "a", "c")
    assert newsroom.aggregator.stop() == 0
    with topics.admin(system.kafka) as admin:
        admin.delete_topics([system.kafka.articles_topic])
    system.init()
    newsroom.aggregator.start().wait_ready()
    assert newsroom.listed() == ["b!", "a", "c"]
    write(newsroom, "b", {"article_id": "b", "site": newsroom.site, "by": "x", "hidden": True})
    newsroom.wait_listed("a", "c")
    assert [item["pinned"] for item in newsroom.log("b")] == [None, 1, 2, 3]


def write(newsroom: Newsroom, article_id: str, value: dict[str, object] | None) -> None:
    """Write a decision as another producer would."""
    kafka = newsroom.system.kafka
    producer = KafkaProducer(bootstrap_servers=kafka.bootstrap_servers, acks="all")
    key = placement_key(newsroom.site, article_id)
    body = None if value is None else json.dumps(value).encode()
    producer.send(kafka.articles_topic, key=key, value=body).get(30)
    producer.close()


def letters(system: System) -> list[Any]:
    consumer = KafkaConsumer(bootstrap_servers=system.kafka.bootstrap_servers)
    place = TopicPartition(system.kafka.dead_letters_topic, 0)
    consumer.assign([place])
    consumer.seek_to_beginning(place)
    end = consumer.end_offsets([place])[place]
    found: list[Any] = []
    while consumer.position(place) < end:
        for records in consumer.poll(timeout_ms=500).values():
            found += [json.loads(record.value) for record in records]
    consumer.close()
    return found
