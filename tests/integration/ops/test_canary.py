"""The canary on the real way: it measures it, says where it is broken, and disturbs nobody."""

import json
import os
import subprocess
import sys
import urllib.request

import pytest

from mostread.core.events import CANARY_SITE
from mostread.infra.auth.tokens import hash_token
from tests.support.system import Service, System, listed, wait_until

TOKEN = "the canary's token, of many characters"
VISIBLE = "mostread_canary_end_to_end_duration_seconds_count"
NOT_TAKEN = 'mostread_canary_failures_total{reason="not_taken"}'
NOT_LISTED = 'mostread_canary_failures_total{reason="not_listed"}'


@pytest.fixture
def collector(system: System) -> Service:
    return system.service(
        "collector",
        MOSTREAD_COLLECTOR_SITES="news",
        MOSTREAD_COLLECTOR_TOKENS=f"canary:emit:{hash_token(TOKEN)}",
    )


@pytest.fixture
def ranking(system: System) -> Service:
    return system.service("ranking", MOSTREAD_RANKING_MIN_VISITORS="2")


def canary(
    system: System, collector: Service, ranking: Service, token: str = TOKEN, patience: int = 30
) -> Service:
    return system.service(
        "canary",
        MOSTREAD_CANARY_COLLECTOR_URL=collector.url,
        MOSTREAD_CANARY_RANKING_URL=ranking.url,
        MOSTREAD_CANARY_TOKEN=token,
        MOSTREAD_CANARY_INTERVAL_SECONDS="1",
        MOSTREAD_CANARY_TIMEOUT_SECONDS=str(patience),
    )


def post(collector: Service, event: dict[str, str]) -> dict[str, object]:
    request = urllib.request.Request(
        f"{collector.url}/v1/events", json.dumps(event).encode(), {"User-Agent": "Mozilla/5.0"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        taken: dict[str, object] = json.loads(answer.read())
    return taken


def test_it_measures_the_way_and_is_in_nobodys_list(
    system: System, collector: Service, ranking: Service
) -> None:
    system.service("aggregator").wait_ready()
    collector.wait_ready()
    view = {"type": "view", "article_id": "a"}
    for visitor in ("one", "another"):
        assert post(collector, {**view, "site": "news", "visitor": visitor})["accepted"] == 1
    assert post(collector, {**view, "site": CANARY_SITE})["dropped"] == 1, "a reader's"
    bird = canary(system, collector, ranking.wait_ready()).wait_ready()
    wait_until(lambda: bird.metric(VISIBLE) >= 3, "three events came through")
    assert bird.metric("mostread_canary_last_end_to_end_duration_seconds") > 0
    assert bird.metric(NOT_TAKEN) == bird.metric(NOT_LISTED) == 0

    wait_until(lambda: "a" in listed(ranking.url, "1h&site=news"), "the reader's is listed")
    assert set(listed(ranking.url, "1h&site=news")) == {"a"}
    (ours,) = listed(ranking.url, f"1h&site={CANARY_SITE}")
    assert ours.startswith("canary-")
    with urllib.request.urlopen(f"{ranking.url}/?site=news", timeout=30) as page:
        text = page.read().decode()
    assert "news" in text
    assert CANARY_SITE not in text
    assert bird.stop() == 0


def test_it_says_where_the_way_is_broken(
    system: System, collector: Service, ranking: Service
) -> None:
    worker = system.service("aggregator").wait_ready()
    collector.wait_ready()
    bird = canary(system, collector, ranking.wait_ready(), patience=3).wait_ready()
    worker.kill()
    wait_until(lambda: bird.metric(NOT_LISTED) >= 1, "an event is in no list")
    assert "events are in the list" in bird.failing()
    through = bird.metric(VISIBLE)
    worker.start()
    wait_until(lambda: bird.metric(VISIBLE) > through, "it comes through again")
    bird.wait_ready()
    assert collector.stop() == 0
    wait_until(lambda: bird.metric(NOT_TAKEN) >= 1, "nobody takes its events")
    assert "the collector: ClientConnectorError" in bird.failing()


def test_a_token_that_is_not_known(system: System, collector: Service, ranking: Service) -> None:
    bird = canary(system, collector.wait_ready(), ranking, token="another")
    wait_until(lambda: "401" in bird.failing(), "it says what the collector answered")
    assert bird.metric(NOT_TAKEN) >= 1


def test_without_a_token_it_says_how_to_get_one() -> None:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MOSTREAD_")}
    done = subprocess.run(
        [sys.executable, "-m", "mostread", "canary"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "mostread token create canary --role emit" in done.stderr
