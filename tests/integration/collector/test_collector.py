"""The collector with Kafka: responses agree with the contents of the topics."""

import asyncio
import gzip
import io
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import aiohttp
import pytest
from kafka import KafkaAdminClient
from kafka.partitioner.default import murmur2
from yarl import URL

from mostread.core.control import Forget
from mostread.core.events import encode
from mostread.core.records import LogRecord, decode
from mostread.devstack.servers.kafka import LocalKafka
from mostread.infra import clock
from tests.support.collector import PARTITIONS, TOKENS, Collecting, collecting, view

Answer = tuple[int, dict[str, Any]]


@pytest.fixture(scope="module")
def running(kafka: LocalKafka, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collecting]:
    """One collector for all tests without special settings; each test uses its own ids."""
    sites = "default,news"
    with collecting(kafka.brokers, tmp_path_factory.mktemp("collector"), sites=sites) as collector:
        yield collector


@pytest.fixture
async def http(running: Collecting) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(running.url) as session:
        yield session


async def post(http: aiohttp.ClientSession, body: bytes, **headers: str) -> Answer:
    renamed = {name.replace("_", "-"): value for name, value in headers.items()}
    async with http.post("/v1/events", data=io.BytesIO(body), headers=renamed) as answer:
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        return answer.status, await answer.json(content_type=None)


def bearer(role: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {TOKENS[role]}"}


async def test_every_body_shape_is_in_kafka_when_answered(
    running: Collecting, http: aiohttp.ClientSession
) -> None:
    one, two, lines = (
        encode(view("shape-0")),
        b"[" + encode(view("shape-1")) + b"," + encode(view("shape-2", "b")) + b"]",
        encode(view("shape-3")) + b"\n" + encode(view("shape-4", "c")) + b"\n",
    )
    for body, headers, count in (
        (one, {"Content_Type": "text/plain"}, 1),
        (two, {"Content_Type": "application/json"}, 2),
        (gzip.compress(lines, mtime=0), {"Content_Encoding": "gzip"}, 2),
    ):
        assert await post(http, body, **headers) == (
            202,
            {"accepted": count, "dropped": 0, "rejected": []},
        )
    log = await asyncio.to_thread(running.events)
    mine = sorted((e for e in log if e.id.startswith("~shape-")), key=lambda e: e.id)
    assert mine == [view(f"~shape-{n}", article) for n, article in enumerate("aabac")]


async def test_missing_fields_are_filled_in(
    running: Collecting, http: aiohttp.ClientSession
) -> None:
    before = clock.now_ms()
    status, _ = await post(http, b'{"type":"view","article_id":"left-out"}' + b"\n")
    assert status == 202
    log = await asyncio.to_thread(running.events)
    (event,) = [event for event in log if event.article_id == "left-out"]
    assert len(event.id.removeprefix("~")) == 32
    assert event.timestamp is not None
    assert before <= event.timestamp <= clock.now_ms()


async def test_invalid_line_rejects_that_line_only(
    running: Collecting, http: aiohttp.ClientSession
) -> None:
    lines = [encode(view("bad-0")), b"{", b'{"type":"view"}', encode(view("bad-3"))]
    status, answer = await post(http, b"\n".join(lines))
    assert status == 202
    assert answer["accepted"] == 2
    assert [(r["index"], r["reason"]) for r in answer["rejected"]] == [(1, "syntax"), (2, "schema")]
    ids = await asyncio.to_thread(running.ids)
    assert [name for name in ids if name.startswith("bad-")] == ["bad-0", "bad-3"]


async def test_events_of_unknown_sites_are_dropped_and_counted(
    running: Collecting, http: aiohttp.ClientSession
) -> None:
    body = b'[{"type":"view","article_id":"a","site":"elsewhere","id":"drop-0"}]'
    assert await post(http, body) == (202, {"accepted": 0, "dropped": 1, "rejected": []})
    assert "drop-0" not in await asyncio.to_thread(running.ids)
    async with http.get("/metrics") as answer:
        text = await answer.text()
    assert 'events_total{outcome="dropped",reason="unknown_site"} 1.0' in text


async def test_records_are_in_the_partition_of_kafkas_partitioner(
    running: Collecting, http: aiohttp.ClientSession
) -> None:
    articles = [f"статья-{n}" for n in range(50)]
    body = b"\n".join(encode(view(f"place-{n}", article)) for n, article in enumerate(articles))
    assert (await post(http, body))[0] == 202
    records = await asyncio.to_thread(running.records, running.kafka.events_topic)
    partitions = {
        event["article_id"]: partition
        for partition, _, value in records
        for event in map(json.loads, (value or b"").splitlines())
    }
    for article in articles:
        assert partitions[article] == (murmur2(article.encode()) & 0x7FFFFFFF) % PARTITIONS
    assert {key for _, key, _ in records} == {None}


async def test_retraction_needs_a_token_of_the_role_emit(http: aiohttp.ClientSession) -> None:
    body = b'{"type":"like","article_id":"a","id":"back-0","delta":-1}'
    for headers in ({}, bearer("cms")):
        status, answer = await post(http, body, **headers)
        assert status == 400
        assert answer["type"] == "urn:mostread:problem:no-valid-event"
        assert [rejection["reason"] for rejection in answer["rejected"]] == ["token_required"]
    assert (await post(http, body, **bearer("emit")))[0] == 202
    assert (await post(http, body, Authorization="Bearer wrong"))[0] == 401


@pytest.mark.parametrize(
    ("body", "headers", "status", "name"),
    [
        (b" " * ((1 << 20) + 1), {}, 413, "too-large"),
        (b"\n".join([b'{"type":"view","article_id":"a"}'] * 1001), {}, 413, "too-large"),
        (gzip.compress(b" " * (64 << 20), mtime=0), {"Content_Encoding": "gzip"}, 413, "too-large"),
        (b"no gzip", {"Content_Encoding": "gzip"}, 400, "unreadable-body"),
        (b"{}", {"Content_Encoding": "compress"}, 415, "unsupported-encoding"),
        (b"", {}, 400, "no-valid-event"),
        (b"\xff\xfe", {}, 400, "no-valid-event"),
    ],
)
async def test_unacceptable_body_is_a_problem(
    http: aiohttp.ClientSession, body: bytes, headers: dict[str, str], status: int, name: str
) -> None:
    answer = await post(http, body, **headers)
    assert (answer[0], answer[1]["type"]) == (status, f"urn:mostread:problem:{name}")


async def test_request_of_a_thousand_events_is_accepted(http: aiohttp.ClientSession) -> None:
    lines = [encode(view(f"many-{n}", f"article-{n}")) for n in range(1000)]
    status, answer = await post(http, b"\n".join(lines))
    assert (status, answer["accepted"]) == (202, 1000)


@pytest.mark.parametrize(
    "path", ["/v1/events", "/v1/items", "/v1/pixel.gif", "/v1/image", "/v1/events/", "/v1//items"]
)
async def test_preflight_permits_every_origin_and_header(
    http: aiohttp.ClientSession, path: str
) -> None:
    headers = {"Origin": "https://news.example", "Access-Control-Request-Headers": "traceparent"}
    async with http.options(path, headers=headers) as answer:
        assert answer.status == 204
        assert answer.headers["Access-Control-Allow-Origin"] == "https://news.example"
        assert answer.headers["Access-Control-Allow-Credentials"] == "true"
        assert answer.headers["Access-Control-Allow-Headers"] == "traceparent"


@pytest.mark.parametrize(
    ("path", "alias"),
    [
        ("/tracker.js", "/page.js"),
        ("/tracker.full.js", "/page.full.js"),
        ("/v1/pixel.gif", "/v1/image"),
    ],
)
async def test_unblocked_path_answers_as_the_other(
    http: aiohttp.ClientSession, path: str, alias: str
) -> None:
    answers = []
    for each in (path, alias):
        async with http.get(f"{each}?article_id=a&id=pictured-once") as answer:
            answers.append((answer.status, answer.headers["Content-Type"], await answer.read()))
    assert answers[0] == answers[1]


async def test_basic_credentials_are_no_token(http: aiohttp.ClientSession) -> None:
    headers = {"Authorization": "Basic c3RhZ2luZzpwdw=="}
    async with http.post("/v1/items", data=encode(view("basic")), headers=headers) as answer:
        assert (answer.status, (await answer.json())["accepted"]) == (202, 1)


async def test_article_is_a_keyed_record_and_so_is_its_deletion(
    running: Collecting, http: aiohttp.ClientSession
) -> None:
    path = "/v1/articles/2026%2F11%2Fдала?site=news"
    title = {"title": "🐎 Дала", "site": "news"}
    async with http.put(path, json=title, headers=bearer("cms")) as answer:
        assert answer.status == 200
        assert await answer.json() == {"article_id": "2026/11/дала", **title}
    async with http.delete(path, headers=bearer("editor")) as answer:
        assert answer.status == 204
    records = await asyncio.to_thread(running.records, running.kafka.articles_topic)
    key = "article:news:2026/11/дала".encode()
    values = [value for _, record_key, value in records if record_key == key]
    assert [json.loads(value or b"null") for value in values] == [
        {"article_id": "2026/11/дала", **title},
        {"article_id": "2026/11/дала", "site": "news", "deleted": True},
    ]


async def test_articles_are_written_in_bulk_under_the_key_of_their_source(
    running: Collecting, http: aiohttp.ClientSession
) -> None:
    articles: list[dict[str, object]] = [
        {"article_id": "/bulk/1", "title": "1", "published_at": "2026-11-23T09:30:00+05:00"},
        {"article_id": "/bulk/2"},
        {"article_id": "/bulk/3", "title": "3", "authors": ["A", "B"], "tags": ["t"]},
    ]
    path = "/v1/articles?site=bulk&source="
    for source in ("cms", "feed"):
        async with http.post(path + source, json=articles, headers=bearer("cms")) as answer:
            assert answer.status == 200
            body = await answer.json()
        assert body["accepted"] == 2
        assert [(each["index"], each["reason"]) for each in body["rejected"]] == [(1, "schema")]
    async with http.post("/v1/articles", json=articles, headers=bearer("emit")) as answer:
        assert answer.status == 403
    async with http.post(path + "rss", json=articles, headers=bearer("cms")) as answer:
        assert (answer.status, (await answer.json())["allowed"]) == (400, "cms or feed")
    async with http.post("/v1/articles", json=[{}], headers=bearer("cms")) as answer:
        assert (answer.status, len((await answer.json())["rejected"])) == (400, 1)
    records = await asyncio.to_thread(running.records, running.kafka.articles_topic)
    written = {key.decode(): json.loads(value or b"null") for _, key, value in records if key}
    first: dict[str, object] = {**articles[0], "site": "bulk", "published_at": 1_795_408_200_000}
    third = {**articles[2], "site": "bulk"}
    for kind in ("article", "feed"):
        assert written[f"{kind}:bulk:/bulk/1"] == first
        assert written[f"{kind}:bulk:/bulk/3"] == third
        assert f"{kind}:bulk:/bulk/2" not in written


async def test_id_in_query_or_body_addresses_an_article_as_its_path_does(
    running: Collecting, http: aiohttp.ClientSession
) -> None:
    title: dict[str, object] = {"title": "A"}
    hidden: dict[str, object] = {"hidden": True}
    named: dict[str, object] = {"article_id": "/q/2", "site": "q"}
    requests: list[tuple[str, str, object, int]] = [
        ("PUT", "/v1/articles?id=/q/1&site=q", title, 200),
        ("PUT", "/v1/articles", {**title, **named}, 200),
        ("DELETE", "/v1/articles?site=q&id=%2Fq%2F1", None, 204),
        ("PUT", "/v1/placement?site=q&id=/q/1", hidden, 200),
        ("PUT", "/v1/placement", {**hidden, **named}, 200),
        ("DELETE", "/v1/placement?id=/q/2&site=q", None, 204),
        ("DELETE", "/v1/articles?site=q", None, 400),
        ("DELETE", "/v1/articles?id=%FF", None, 400),
        ("PUT", "/v1/articles?id=/q/1&sit=q", title, 400),
        ("PUT", "/v1/articles?id=/q/1&site=q&site=default", title, 400),
        ("DELETE", "/v1/articles/a?site=q&site=q", None, 400),
        ("PUT", "/v1/placement?id=/q/1&id=/q/2&site=q", hidden, 400),
        ("POST", "/v1/articles?site=q&site=default", [], 400),
        ("PUT", "/v1/articles/a?id=b", title, 400),
        ("PUT", "/v1/placement?article_id=/q/1", hidden, 400),
    ]
    for method, path, body, status in requests:
        url = URL(running.url + path, encoded=True)
        async with http.request(method, url, json=body, headers=bearer("editor")) as answer:
            assert (path, answer.status) == (path, status)
    records = await asyncio.to_thread(running.records, running.kafka.articles_topic)
    keys = sorted(key.decode() for _, key, _ in records if key and b":q:" in key)
    assert keys == [
        *["article:q:/q/1"] * 2,
        "article:q:/q/2",
        "placement:q:/q/1",
        *["placement:q:/q/2"] * 2,
    ]


@pytest.mark.parametrize(
    ("article", "headers", "status"),
    [
        ({"title": "A"}, {}, 401),
        ({"title": "A"}, {"Authorization": "Basic YTpi"}, 401),
        ({"title": "A"}, bearer("emit"), 403),
        ({"title": ""}, bearer("cms"), 400),
        ({"title": "A", "article_id": "b"}, bearer("cms"), 400),
        ({"title": "A", "site": "b"}, bearer("cms"), 400),
    ],
)
async def test_invalid_article_or_token_is_a_problem(
    http: aiohttp.ClientSession, article: dict[str, str], headers: dict[str, str], status: int
) -> None:
    async with http.put("/v1/articles/a?site=default", json=article, headers=headers) as answer:
        assert answer.status == status
        assert answer.content_type == "application/problem+json"
        assert ("WWW-Authenticate" in answer.headers) is (status == 401)


@pytest.mark.parametrize("article_id", ["%FF", "a%C3", "a%0Ab", "a" * 129])
async def test_invalid_article_id_in_a_path_is_a_problem(
    running: Collecting, http: aiohttp.ClientSession, article_id: str
) -> None:
    url = URL(f"{running.url}/v1/articles/{article_id}", encoded=True)
    for path in (url, url / "placement"):
        async with http.delete(path, headers=bearer("editor")) as answer:
            assert answer.status == 400
            assert (await answer.json())["reason"] == "schema"


async def test_added_partition_is_used_without_restart(
    kafka: LocalKafka, tmp_path_factory: pytest.TempPathFactory
) -> None:
    directory = tmp_path_factory.mktemp("collector")
    with collecting(kafka.brokers, directory) as collector:
        topic = collector.kafka.events_topic
        admin = KafkaAdminClient(bootstrap_servers=kafka.brokers)
        admin.create_partitions({topic: PARTITIONS + 4})
        admin.close()
        async with aiohttp.ClientSession(collector.url) as http:
            sent = 0
            used: set[int] = set()
            async with asyncio.timeout(90):
                while not used & set(range(PARTITIONS, PARTITIONS + 4)):
                    lines = [encode(view(f"{sent}-{n}", f"article-{n}")) for n in range(50)]
                    assert (await post(http, b"\n".join(lines)))[0] == 202
                    sent += 1
                    used = {partition for partition, _, _ in collector.records(topic)}
        assert len(set(collector.ids())) == 50 * sent


async def test_only_an_admin_deletes_an_article_with_its_numbers(
    running: Collecting, http: aiohttp.ClientSession
) -> None:
    path = "/v1/articles/gone?site=news&numbers="
    for role, status in {"": 401, "emit": 403, "cms": 403, "editor": 403}.items():
        async with http.delete(path + "true", headers=bearer(role) if role else {}) as answer:
            assert answer.status == status
    async with http.delete(path + "yes", headers=bearer("admin")) as answer:
        assert (answer.status, (await answer.json())["allowed"]) == (400, "true or false")
    assert not list(forgets(running))

    async with http.delete(path + "true", headers=bearer("admin")) as answer:
        assert answer.status == 204
    written = dict(forgets(running))
    assert sorted(written) == list(range(PARTITIONS))
    assert {(each.site, each.article_id, each.by) for each in written.values()} == {
        ("news", "gone", "admin")
    }
    assert len({each.id for each in written.values()}) == 1
    about = [
        (key, value is None)
        for _, key, value in running.records(running.kafka.articles_topic)
        if key and key.endswith(b":news:gone")
    ]
    assert sorted(about[:4]) == [
        (b"alias:news:gone", True),
        (b"article:news:gone", True),
        (b"feed:news:gone", True),
        (b"placement:news:gone", True),
    ]
    assert about[4:] == [(b"forget:news:gone", False)]


def forgets(collector: Collecting) -> Iterator[tuple[int, Forget]]:
    """Yield the forgets in the topic of events, with their partitions."""
    for partition, _, value in collector.records(collector.kafka.events_topic):
        for forget in decode([LogRecord(0, 0, value)]).forgets:
            yield partition, forget
