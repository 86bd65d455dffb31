"""The canary on a running system: latency, failures by stage, and isolation from readers."""

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
SUCCESSES = "mostread_canary_end_to_end_duration_seconds_count"
NOT_ACCEPTED = 'mostread_canary_failures_total{reason="not_accepted"}'
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
    system: System, collector: Service, ranking: Service, token: str = TOKEN, timeout: int = 30
) -> Service:
    return system.service(
        "canary",
        MOSTREAD_CANARY_COLLECTOR_URL=collector.url,
        MOSTREAD_CANARY_RANKING_URL=ranking.url,
        MOSTREAD_CANARY_TOKEN=token,
        MOSTREAD_CANARY_INTERVAL_SECONDS="1",
        MOSTREAD_CANARY_TIMEOUT_SECONDS=str(timeout),
    )


def post(collector: Service, event: dict[str, str]) -> dict[str, object]:
    request = urllib.request.Request(
        f"{collector.url}/v1/events", json.dumps(event).encode(), {"User-Agent": "Mozilla/5.0"}
    )
    with urllib.request.urlopen(request, timeout=30) as response:
        result: dict[str, object] = json.loads(response.read())
    return result


def test_canary_measures_latency_and_stays_out_of_other_lists(
    system: System, collector: Service, ranking: Service
) -> None:
    system.service("aggregator").wait_ready()
    collector.wait_ready()
    view = {"type": "view", "article_id": "a"}
    for visitor in ("one", "another"):
        assert post(collector, {**view, "site": "news", "visitor": visitor})["accepted"] == 1
    assert post(collector, {**view, "site": CANARY_SITE})["dropped"] == 1, "an event of a reader"
    probe = canary(system, collector, ranking.wait_ready()).wait_ready()
    wait_until(lambda: probe.metric(SUCCESSES) >= 3, "three probes succeed")
    assert probe.metric("mostread_canary_last_end_to_end_duration_seconds") > 0
    assert probe.metric(NOT_ACCEPTED) == probe.metric(NOT_LISTED) == 0

    wait_until(lambda: "a" in listed(ranking.url, "1h&site=news"), "the reader's article is listed")
    assert set(listed(ranking.url, "1h&site=news")) == {"a"}
    (article,) = listed(ranking.url, f"1h&site={CANARY_SITE}")
    assert article.startswith("canary-")
    with urllib.request.urlopen(f"{ranking.url}/?site=news", timeout=30) as page:
        text = page.read().decode()
    assert "news" in text
    assert CANARY_SITE not in text
    assert probe.stop() == 0


def test_canary_reports_failures_by_stage(
    system: System, collector: Service, ranking: Service
) -> None:
    worker = system.service("aggregator").wait_ready()
    collector.wait_ready()
    probe = canary(system, collector, ranking.wait_ready(), timeout=3).wait_ready()
    worker.kill()
    wait_until(lambda: probe.metric(NOT_LISTED) >= 1, "a probe times out")
    assert "events are in the list" in probe.failing()
    successes = probe.metric(SUCCESSES)
    worker.start()
    wait_until(lambda: probe.metric(SUCCESSES) > successes, "probes succeed again")
    probe.wait_ready()
    assert collector.stop() == 0
    wait_until(lambda: probe.metric(NOT_ACCEPTED) >= 1, "the collector is unreachable")
    assert "the collector: ClientConnectorError" in probe.failing()


def test_canary_reports_unknown_token(system: System, collector: Service, ranking: Service) -> None:
    probe = canary(system, collector.wait_ready(), ranking, token="another")
    wait_until(lambda: "401" in probe.failing(), "the response of the collector is reported")
    assert probe.metric(NOT_ACCEPTED) >= 1


def test_canary_without_token_exits_with_instructions() -> None:
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
