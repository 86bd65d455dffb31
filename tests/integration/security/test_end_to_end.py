"""From POST to the list over TLS, each service as a user who may do no more than it must."""

import json
import urllib.request
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaProducer

from mostread.infra.auth.tokens import hash_token
from mostread.infra.clickhouse.client import connect
from tests.support.system import Service, listed, wait_until
from tests.support.tls.secured import CANARY, Secured

VIEWS = {"street-lamps": 40, "old-bridge": 25, "new-school": 7}
CMS, EDITOR = "token of the CMS", "token of an editor"
ACCEPTED = 202
TOKENS = {"MOSTREAD_COLLECTOR_TOKENS": f"cms:cms:{hash_token(CMS)},ed:editor:{hash_token(EDITOR)}"}


def send(url: str, method: str, body: object, token: str = "") -> int:
    request = urllib.request.Request(url, json.dumps(body).encode(), method=method)
    request.add_header("Content-Type", "application/json")
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    with urllib.request.urlopen(request, timeout=30) as answer:
        return int(answer.status)


@pytest.fixture(scope="module")
def running(secured: Secured) -> dict[str, Service]:
    services = [
        secured.service("aggregator"),
        secured.service("collector", **TOKENS),
        secured.service("ranking", MOSTREAD_RANKING_LISTED="all"),
    ]
    return {service.name: service.wait_ready() for service in services}


def test_events_are_counted_once_over_tls(running: dict[str, Service]) -> None:
    collector, ranking = running["collector"].url, running["ranking"].url
    events = [
        {"type": "view", "article_id": article, "id": f"{article}-{number}", "visitor": "v"}
        for article, views in VIEWS.items()
        for number in range(views)
    ]
    for start in range(0, len(events), 30):
        part = events[start : start + 30]
        assert send(f"{collector}/v1/events", "POST", part) == ACCEPTED
        assert send(f"{collector}/v1/events", "POST", part) == ACCEPTED  # again: once each
    title = {"title": "Фонари на улице 💡", "url": "https://news.example/1"}
    assert send(f"{collector}/v1/articles/street-lamps", "PUT", title, CMS) < 300

    wanted = {article: (views, views) for article, views in VIEWS.items()}
    wait_until(lambda: listed(ranking, "1h") == wanted, "the list is exact")
    with urllib.request.urlopen(f"{ranking}/v1/most-read?window=1h", timeout=30) as answer:
        items = json.loads(answer.read())["items"]
    assert [item["article_id"] for item in items] == list(VIEWS)
    assert items[0]["title"] == title["title"]


def test_aggregator_may_read_the_disks(running: dict[str, Service]) -> None:
    aggregator = running["aggregator"]

    def measured() -> bool:
        free = [name for name in aggregator.samples() if "disk_free_bytes{" in name]
        return all(
            any(f'system="{system}"' in name for name in free) for system in ("kafka", "clickhouse")
        )

    wait_until(measured, "the disks of both are measured")
    assert aggregator.sum("mostread_aggregator_disk_free_bytes") > 0
    stored = aggregator.samples().keys()
    for name, system in (("engagement.events", "kafka"), ("counter_versions", "clickhouse")):
        assert f'mostread_aggregator_stored_bytes{{name="{name}",system="{system}"}}' in stored


def test_placement_reaches_list_over_tls(running: dict[str, Service]) -> None:
    ranking = running["ranking"].url
    placement = f"{running['collector'].url}/v1/articles/new-school/placement"
    assert send(placement, "PUT", {"pinned": 1, "reason": "the news of the day"}, EDITOR) < 300
    wait_until(lambda: next(iter(listed(ranking, "1h"))) == "new-school", "it is pinned")


def test_collector_workers_read_secret_files(secured: Secured) -> None:
    workers = secured.service("collector", MOSTREAD_COLLECTOR_WORKERS="2", **TOKENS).wait_ready()
    event = {"type": "view", "article_id": "new-school", "id": "new-school-0", "visitor": "v"}
    assert send(f"{workers.url}/v1/events", "POST", event) == ACCEPTED
    assert workers.stop() == 0


def test_operator_commands_work_with_operator_grants(
    running: dict[str, Service], secured: Secured, tmp_path: Path
) -> None:
    broken = b'{"type":"view","article_id":"old-bridge","timestamp":"now"}'
    producer = KafkaProducer(bootstrap_servers=secured.kafka.brokers, acks="all")
    producer.send("engagement.events", key=b"old-bridge", value=broken).get(30)
    mistake = b'{"type":"view","article_id":"mistake"}'
    producer.send("engagement.events", key=b"mistake", value=mistake).get(30)
    producer.close()

    def letters() -> list[dict[str, Any]]:
        done = secured.run("operator", "dead-letters", "list", "--json")
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    wait_until(lambda: len(letters()) == 1, "the broken line is a dead letter")
    (letter,) = letters()
    fixed = tmp_path / "letters.ndjson"
    fixed.write_text(
        json.dumps({**letter, "text": '{"type":"view","article_id":"old-bridge","id":"fixed"}'})
    )
    totals = tmp_path / "totals.csv"
    totals.write_text("article_id,views,comments,likes\nold-bridge,1000,1,1\n")
    ranking = running["ranking"].url
    wait_until(lambda: "mistake" in listed(ranking, "1h"), "the mistake is counted")
    for arguments in (
        ("dead-letters", "replay", str(fixed)),
        ("forget", "--site", "default", "--article", "mistake", "--yes"),
        ("audit",),
        ("import-totals", str(totals), "--name", "before"),
        ("import-totals", "--remove", "before"),
    ):
        done = secured.run("operator", *arguments)
        assert done.returncode == 0, (arguments, done.stdout, done.stderr)
        assert arguments[0] != "forget" or "every partition has counted it" in done.stdout


def test_list_is_exact_after_operator_commands(running: dict[str, Service]) -> None:
    wanted = {**VIEWS, "old-bridge": VIEWS["old-bridge"] + 1}
    wait_until(
        lambda: listed(running["ranking"].url, "1h") == {k: (v, v) for k, v in wanted.items()},
        "the fixed event is counted",
    )


def test_client_certificate_authenticates_without_password(secured: Secured) -> None:
    kafka, clickhouse = (
        str(secured.authority.sign("client", common_name=f"mostread{sign}init")) for sign in "-_"
    )
    done = secured.run(
        "init",
        "init",
        MOSTREAD_KAFKA_BROKERS=secured.kafka.certificates,
        MOSTREAD_KAFKA_SECURITY_PROTOCOL="SSL",
        MOSTREAD_KAFKA_CERT_FILE=kafka,
        MOSTREAD_KAFKA_USERNAME="",
        MOSTREAD_KAFKA_PASSWORD_FILE="",
        MOSTREAD_CLICKHOUSE_URL=secured.clickhouse.certificates,
        MOSTREAD_CLICKHOUSE_CERT_FILE=clickhouse,
    )
    assert done.returncode == 0, done.stderr
    assert "nothing to do" in done.stdout


def test_secrets_appear_in_no_log_response_or_process_list(
    secured: Secured, running: dict[str, Service]
) -> None:
    for service in running.values():
        arguments = Path(f"/proc/{service.pid}/cmdline").read_bytes().decode()
        assert CANARY not in arguments
        # Nor in the environment of any: they came from files.
        assert CANARY not in Path(f"/proc/{service.pid}/environ").read_bytes().decode()
        with urllib.request.urlopen(f"{service.url}/metrics", timeout=30) as answer:
            assert CANARY not in answer.read().decode()
    shown = secured.run("aggregator", "config", MOSTREAD_KAFKA_SECURITY_PROTOCOL="SASL_SSL")
    assert shown.returncode == 0, shown.stderr
    assert "MOSTREAD_KAFKA_PASSWORD=********" in shown.stdout
    assert CANARY not in secured.outputs()
    assert "partitions_assigned" in secured.outputs()  # the logs that were searched


@pytest.mark.usefixtures("running")
def test_operator_rebuild_prints_no_secret(secured: Secured) -> None:
    for command in ("rebuild", "audit"):
        done = secured.run("operator", command)
        assert done.returncode == 0, (command, done.stdout, done.stderr)
    wait_until(lambda: "restarting" in secured.outputs(), "the aggregator restarts")
    assert CANARY not in secured.outputs()


def test_operator_can_back_up_and_restore(
    running: dict[str, Service], secured: Secured, tmp_path: Path
) -> None:
    before = listed(running["ranking"].url, "all")
    folder = str(tmp_path / "backup")
    assert running["aggregator"].wait_ready().stop() == 0
    done = secured.run("operator", "backup", "create", folder, "--verify")
    assert done.returncode == 0, done.stderr
    assert "no differences" in done.stdout
    with closing(connect(secured.all_rights())) as client:
        client.command("DROP DATABASE mostread SYNC")
    for user, *arguments in (("init", "init"), ("operator", "restore", folder)):
        done = secured.run(user, *arguments)
        assert done.returncode == 0, (arguments, done.stdout, done.stderr)
    running["aggregator"].start().wait_ready()
    wait_until(lambda: listed(running["ranking"].url, "all") == before, "the list is as it was")
    done = secured.run("operator", "audit")
    assert done.returncode == 0, done.stdout
    assert CANARY not in secured.outputs()
