"""An editor's decision from PUT to the list, through the real Kafka, ClickHouse and services."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
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
class EditorialSystem:
    """A system with three articles and an editor."""

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
        with urllib.request.urlopen(request) as response:
            content = response.read()
        return json.loads(content) if content else None

    def decide(self, article_id: str, **fields: object) -> Any:
        return self.ask("editor", "PUT", f"/v1/articles/{quote(article_id, '')}/placement", fields)

    def read(self, path: str) -> Any:
        request = urllib.request.Request(
            f"{self.ranking.url}{path}?site={self.site}",
            headers={"Authorization": f"Bearer {TOKENS['editor']}"},
        )
        with urllib.request.urlopen(request) as answer:
            return json.loads(answer.read())

    def put(self, article_id: str, **fields: object) -> tuple[int, Any]:
        """Decide through the ranking service; return the status and the document."""
        request = urllib.request.Request(
            f"{self.ranking.url}/v1/articles/{article_id}/placement?site={self.site}",
            method="PUT",
            data=json.dumps(fields).encode(),
            headers={"Authorization": f"Bearer {TOKENS['editor']}"},
        )
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.loads(error.read())

    def log(self, article_id: str) -> list[Any]:
        items: list[Any] = self.read(f"/v1/articles/{article_id}/placements")["items"]
        return items

    def listed(self) -> list[str]:
        """Return the listed ids, with an exclamation mark for pinned articles."""
        items = self.read("/v1/most-read")["items"]
        return [item["article_id"] + "!" * bool(item["pinned"]) for item in items]

    def wait_listed(self, *expected: str) -> None:
        wait_until(lambda: self.listed() == [*expected], f"the list is {expected}")


@pytest.fixture(scope="module")
def running(
    kafka: LocalKafka, clickhouse: LocalClickHouse, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[EditorialSystem]:
    """One system for all tests; each test uses its own site."""
    name = f"newsroom_{uuid4().hex[:6]}"
    system = System(kafka.brokers, clickhouse.url, name, tmp_path_factory.mktemp("placements"))
    system.init()
    tokens = ",".join(f"{role}-desk:{role}:{hash_token(token)}" for role, token in TOKENS.items())
    secret = "a secret of this test that is long"
    collector = system.service(
        "collector",
        MOSTREAD_COLLECTOR_TOKENS=tokens,
        MOSTREAD_COLLECTOR_SESSION_SECRET=secret,
    )
    aggregator = system.service("aggregator")
    ranking = system.service(
        "ranking",
        MOSTREAD_RANKING_TOKENS=tokens,
        MOSTREAD_RANKING_COLLECTOR_URL=collector.url,
        MOSTREAD_RANKING_SESSION_SECRET=secret,
    )
    for service in (collector, aggregator, ranking):
        service.wait_ready()
    yield EditorialSystem(system, collector, aggregator, ranking, site="")
    system.end()


@pytest.fixture
def editorial(running: EditorialSystem, request: pytest.FixtureRequest) -> EditorialSystem:
    editorial = replace(running, site=request.node.name.replace("_", "-")[:64])
    events = [{"type": "view", "site": editorial.site, "article_id": a} for a in "aaabbc"]
    editorial.ask("emit", "POST", "/v1/events", events)
    editorial.wait_listed("a", "b", "c")
    return editorial


def test_placements_change_the_list_and_can_be_reverted_from_the_log(
    editorial: EditorialSystem,
) -> None:
    placement = editorial.decide("c", pinned=1, reason="Шұғыл")
    decision_id = placement.pop("id")
    assert placement == {
        "article_id": "c",
        "site": editorial.site,
        "by": "editor-desk",
        "pinned": 1,
        "reason": "Шұғыл",
    }
    editorial.wait_listed("c!", "a", "b")
    # The CMS writes under another key and reverts nothing.
    editorial.ask("cms", "PUT", "/v1/articles/c", {"title": "C", "pinned": 3})
    editorial.decide("a", hidden=True)
    editorial.wait_listed("c!", "b")
    editorial.ask("editor", "DELETE", "/v1/articles/c/placement")
    editorial.wait_listed("b", "c!")
    assert editorial.read("/v1/articles/c")["title"] == "C"
    assert editorial.read("/v1/articles/c")["pinned"] == 3

    # Reverting from the log, and reverting the revert, are placements too.
    lifted, pinned = editorial.log("c")
    assert (lifted["by"], lifted["pinned"]) == ("editor-desk", None)
    assert pinned["id"] == decision_id
    assert (pinned["by"], pinned["pinned"], pinned["reason"]) == ("editor-desk", 1, "Шұғыл")
    editorial.decide("c", **lifted["undo"])
    editorial.wait_listed("c!", "b")
    undone = editorial.log("c")[0]
    assert undone["undoes"] == lifted["id"]
    editorial.decide("c", **undone["undo"])
    editorial.wait_listed("b", "c!")
    (hidden,) = editorial.log("a")
    editorial.decide("a", **hidden["undo"])
    editorial.wait_listed("a", "b", "c!")
    assert [item["undoes"] for item in editorial.log("a")] == [hidden["id"], None]


def test_decision_based_on_an_older_one_is_refused(editorial: EditorialSystem) -> None:
    status, first = editorial.put("a", pinned=2, reason="First", based_on="0")
    assert (status, first["visible"], first["overtaken"], first["same_rank"]) == (
        200,
        True,
        None,
        [],
    )
    assert first["undo"] == {"undoes": first["id"]}
    assert editorial.log("a")[0]["id"] == first["id"]
    status, problem = editorial.put("a", hidden=True, based_on="0")
    assert (status, problem["type"]) == (409, "urn:mostread:problem:decision-conflict")
    assert (problem["latest"]["id"], problem["latest"]["by"]) == (first["id"], "editor-desk")
    assert len(editorial.log("a")) == 1
    # A decision that names no other replaces it.
    status, second = editorial.put("a", pinned=3)
    assert (status, second["undo"]["reason"]) == (200, "First")
    # Two pins to one rank of the same list.
    status, third = editorial.put("b", pinned=3, pinned_in={"windows": ["24h"]}, based_on="0")
    assert (status, [pin["article_id"] for pin in third["same_rank"]]) == (200, ["a"])
    status, fourth = editorial.put("c", pinned=3, pinned_in={"windows": ["1h"]})
    assert [pin["article_id"] for pin in fourth["same_rank"]] == ["a"]
    assert editorial.put("a", hiden=True, based_on=second["id"])[0] == 400
    assert editorial.put("a", hidden=True, based_on="x")[0] == 400


def test_only_one_of_simultaneous_decisions_is_stored(editorial: EditorialSystem) -> None:
    with ThreadPoolExecutor(5) as pool:
        answers = list(
            pool.map(lambda rank: editorial.put("a", pinned=rank, based_on="0"), range(1, 6))
        )
    assert sorted(status for status, _ in answers) == [200, 409, 409, 409, 409]
    assert len(editorial.log("a")) == 1


def test_embargo_and_expiry_take_effect_by_the_clock(editorial: EditorialSystem) -> None:
    def in_ms(seconds: float) -> int:
        return int((time.time() + seconds) * 1000)

    editorial.decide("a", embargo_until=in_ms(3600))
    editorial.wait_listed("b", "c")
    editorial.decide("a", embargo_until=(ends := in_ms(3)))
    editorial.decide("b", expires_at=(expires := in_ms(3)))
    editorial.wait_listed("a", "c")
    assert time.time() * 1000 >= max(ends, expires)


def test_placement_needs_an_editor_and_a_valid_body(editorial: EditorialSystem) -> None:
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
            editorial.ask(role, "PUT", "/v1/articles/a/placement", body)
        with refused.value as answer:
            assert answer.status == status
            assert "Access-Control-Allow-Origin" not in answer.headers
            assert json.loads(answer.read())["type"].startswith("urn:mostread:problem:")
    editorial.decide("{x}/%2F", hidden=True)
    editorial.decide("c", hidden=True)
    editorial.wait_listed("a", "b")
    assert editorial.log("a") == []


def test_repeated_and_invalid_records_change_nothing(editorial: EditorialSystem) -> None:
    system = editorial.system
    editorial.decide("a", hidden=True)
    editorial.decide("a", pinned=2)
    editorial.wait_listed("b", "a!", "c")
    before = editorial.log("a")
    write(editorial, "a", {"article_id": "a", "by": "x", "hiden": True})
    write(editorial, "b", {"article_id": "a", "by": "x", "hidden": True})
    write(editorial, "b", None)
    wait_until(lambda: len(editorial.log("b")) == 1, "the record after the invalid ones is read")
    assert editorial.log("b")[0]["by"] is None
    broken, misplaced = (letter["reason"] for letter in letters(system))
    assert "hiden" in broken
    assert "different articles" in misplaced
    # A new consumer group reads the topic from the start.
    again = system.service("aggregator", MOSTREAD_AGGREGATOR_GROUP="another").wait_ready()
    wait_until(lambda: len(letters(system)) == 4, "it has read the invalid ones")
    assert again.stop() == 0
    assert editorial.log("a") == before
    assert len(editorial.log("b")) == 1
    assert editorial.listed() == ["b", "a!", "c"]


def test_placements_survive_a_recreated_topic(editorial: EditorialSystem) -> None:
    system = editorial.system
    for rank in (3, 2, 1):
        editorial.decide("b", pinned=rank)
    editorial.wait_listed("b!", "a", "c")
    assert editorial.aggregator.stop() == 0
    with topics.admin(system.kafka) as admin:
        admin.delete_topics([system.kafka.articles_topic])
    system.init()
    editorial.aggregator.start().wait_ready()
    assert editorial.listed() == ["b!", "a", "c"]
    write(editorial, "b", {"article_id": "b", "site": editorial.site, "by": "x", "hidden": True})
    editorial.wait_listed("a", "c")
    assert [item["pinned"] for item in editorial.log("b")] == [None, 1, 2, 3]


def write(editorial: EditorialSystem, article_id: str, value: dict[str, object] | None) -> None:
    """Write a placement as another producer would."""
    kafka = editorial.system.kafka
    producer = KafkaProducer(bootstrap_servers=kafka.bootstrap_servers, acks="all")
    key = placement_key(editorial.site, article_id)
    body = None if value is None else json.dumps(value).encode()
    producer.send(kafka.articles_topic, key=key, value=body).get(30)
    producer.close()


def letters(system: System) -> list[Any]:
    consumer = KafkaConsumer(bootstrap_servers=system.kafka.bootstrap_servers)
    partition = TopicPartition(system.kafka.dead_letters_topic, 0)
    consumer.assign([partition])
    consumer.seek_to_beginning(partition)
    end = consumer.end_offsets([partition])[partition]
    values: list[Any] = []
    while consumer.position(partition) < end:
        for records in consumer.poll(timeout_ms=500).values():
            values += [json.loads(record.value) for record in records]
    consumer.close()
    return values
