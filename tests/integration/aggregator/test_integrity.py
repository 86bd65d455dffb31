"""Articles with many views from few visitors are marked, and quarantined if configured."""

import json
import time
import urllib.request
from collections.abc import Iterable
from typing import Any

import pytest

from mostread.infra.auth.tokens import hash_token
from mostread.infra.clickhouse.client import connect
from tests.faults.log import produce
from tests.support.collector import TOKENS
from tests.support.system import Service, System, wait_until

QUARANTINE = {"MOSTREAD_RANKING_QUARANTINE": "true", "MOSTREAD_RANKING_MIN_VISITORS": "3"}


def views(article_id: str, visitors: Iterable[str]) -> list[tuple[str, bytes]]:
    # Backdated, as an attacker who hides would do it.
    now = time.time_ns() // 1_000_000 - 2 * 3_600_000
    return [
        (
            article_id,
            json.dumps(
                {"type": "view", "article_id": article_id, "visitor": visitor, "timestamp": now}
            ).encode(),
        )
        for visitor in visitors
    ]


def pushed(count: int) -> list[tuple[str, bytes]]:
    return views("pushed", (f"friend-{number % 4}" for number in range(count)))


def items(ranking: Service, parameters: str = "") -> dict[str, Any]:
    address = f"{ranking.url}/v1/most-read?window=24h&{parameters}"
    with urllib.request.urlopen(address, timeout=30) as answer:
        return {item["article_id"]: item for item in json.loads(answer.read())["items"]}


def integrity(ranking: Service, article_id: str) -> tuple[Any, ...]:
    """Return the views of an article, and the integrity of its visitors."""
    item = items(ranking, "quarantined=1").get(article_id)
    if item is None:
        return (0,)
    values = item["integrity"] or {}
    return (item["window"]["views"], *map(values.get, ("visitors", "top_share", "suspicious")))


@pytest.fixture
def read(system: System) -> System:
    """Articles with many readers, four, two, and readers without visitor ids."""
    produce(
        system,
        [
            *views("popular", (f"reader-{number}" for number in range(150))),
            *pushed(200),
            *views("small", ["one", "two"]),
            *[("server", b'{"type":"view","article_id":"server"}')] * 5,
        ],
    )
    return system


def test_article_of_few_visitors_is_suspicious_and_counted_exactly(read: System) -> None:
    read.service("aggregator").wait_ready()
    ranking = read.service("ranking").wait_ready()
    wait_until(
        lambda: integrity(ranking, "pushed") == (200, 4, 1.0, True), "the pushed one is marked"
    )
    many, visitors, share, suspicious = integrity(ranking, "popular")
    assert (many, suspicious) == (150, False)
    assert 110 < visitors < 200  # 64 lowest hashes estimate 150 mostly to within a quarter
    assert share < 0.2
    assert integrity(ranking, "small") == (2, 2, 1.0, False)
    assert integrity(ranking, "server") == (5, None, None, None)
    # Nothing is quarantined unless the operator configures it.
    assert list(items(ranking)) == ["pushed", "popular", "server", "small"]


def test_quarantined_article_is_listed_after_approval(read: System) -> None:
    read.service("aggregator").wait_ready()
    tokens = f"editor-desk:editor:{hash_token(TOKENS['editor'])}"
    collector = read.service("collector", MOSTREAD_COLLECTOR_TOKENS=tokens).wait_ready()
    ranking = read.service("ranking", MOSTREAD_RANKING_TOKENS=tokens, **QUARANTINE).wait_ready()

    def listed(parameters: str = "") -> list[str]:
        return list(items(ranking, parameters))

    wait_until(lambda: listed() == ["popular", "server"], "few are quarantined")
    assert listed("limit=1") == ["popular"]
    assert listed("limit=1&offset=1") == ["server"]
    assert listed("cursor=*") == ["popular", "server"]
    # A search uses the ranks of the list without quarantined articles.
    assert {a: item["rank"] for a, item in items(ranking, "q=S").items()} == {"server": 2}
    assert list(items(ranking, "q=s&quarantined=1")) == ["pushed", "server", "small"]
    with urllib.request.urlopen(f"{ranking.url}/?quarantined=1&lang=en", timeout=30) as answer:
        page = answer.read().decode()
    assert page.count('<span class="pinned">quarantined</span>') == 2
    assert page.count("100 % of the sampled views come from ten visitors</span>") == 1
    assert "Hide them" in page
    quarantined = items(ranking, "quarantined=1")
    assert list(quarantined) == ["pushed", "popular", "server", "small"]
    assert {
        a for a, item in quarantined.items() if (item["integrity"] or {}).get("quarantined")
    } == {
        "pushed",
        "small",
    }
    request = urllib.request.Request(
        f"{collector.url}/v1/articles/pushed/placement",
        method="PUT",
        data=b'{"approved": true, "reason": "A class reads it together."}',
        headers={"Authorization": f"Bearer {TOKENS['editor']}"},
    )
    urllib.request.urlopen(request, timeout=30).close()
    wait_until(lambda: listed() == ["pushed", "popular", "server"], "the approved one is listed")
    approved = items(ranking)["pushed"]
    assert approved["window"]["views"] == 200
    assert approved["integrity"]["suspicious"]
    assert approved["integrity"]["approved"]
    request = urllib.request.Request(
        f"{ranking.url}/v1/articles/pushed", headers={"Authorization": f"Bearer {TOKENS['editor']}"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        article = json.loads(answer.read())
    assert article["placement"]["approved"]
    assert article["integrity"]["top_share"] == 1.0


def test_crashes_change_no_sketch(read: System) -> None:
    ranking = read.service("ranking").wait_ready()
    worker = read.service("aggregator").wait_ready()

    def wait_counted(views: int) -> None:
        wait_until(
            lambda: integrity(ranking, "pushed") == (views, 4, 1.0, True), f"{views} are counted"
        )

    for sent in (200, 300, 400):
        wait_counted(sent)
        worker.kill()
        produce(read, pushed(100))
        worker = read.service("aggregator").wait_ready()
    wait_counted(500)
    client = connect(read.clickhouse)
    rows = client.query(
        "SELECT sum(views) FROM visitor_sketches FINAL WHERE article_id = 'pushed'"
    ).result_rows
    client.close()
    assert rows == [(500,)]


def test_cursor_lists_thousands_without_quarantined_articles(system: System) -> None:
    system.service("aggregator").wait_ready()
    ranking = system.service("ranking", **QUARANTINE).wait_ready()
    produce(system, pushed(200))
    wait_until(
        lambda: integrity(ranking, "pushed") == (200, 4, 1.0, True), "the pushed one is marked"
    )
    long_ids = ["ц" * 120 + f"{number:04}" for number in range(3000)]
    produce(system, [v for each in long_ids for v in views(each, ["one", "two", "three"])])
    wait_until(lambda: len(items(ranking, "limit=1&offset=2999")) == 1, "all are listed")
    page = items(ranking, "limit=100&cursor=*")
    assert len(page) == 100
    assert "pushed" not in page
    assert items(ranking, "limit=1&offset=3000") == {}
