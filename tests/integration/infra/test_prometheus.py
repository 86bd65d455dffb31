"""A real Prometheus on the real services: scraped metrics, dashboards and alerts."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mostread.devstack.servers.clickhouse import LocalClickHouse
from mostread.devstack.servers.kafka import LocalKafka
from mostread.infra.auth.tokens import hash_token
from tests.support.prometheus import Prometheus
from tests.support.system import ArticleSync, Service, System, wait_until

ROOT = Path(__file__).parents[3]
DASHBOARDS = sorted((ROOT / "deploy/grafana/dashboards").glob("*.json"))
TOKEN = "the canary's token, of many characters"
YESTERDAY = "mostread:events_accepted:rate5m"
CHOICE = re.compile(r"label_values\((?P<series>.+), (?P<label>\w+)\)")
VARIABLES = {"$__rate_interval": "1m", "$job": ".*", "$instance": ".*"}
"""Values that Grafana substitutes in a query."""


@dataclass
class Watched:
    """All services with a canary once per second, scraped by Prometheus."""

    prometheus: Prometheus
    aggregator: Service


@pytest.fixture(scope="module")
def watched(
    kafka: LocalKafka, clickhouse: LocalClickHouse, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Watched]:
    directory = tmp_path_factory.mktemp("watched")
    system = System(kafka.brokers, clickhouse.url, "watched", directory)
    system.init(partitions=2)
    collector = system.service(
        "collector", MOSTREAD_COLLECTOR_TOKENS=f"canary:emit:{hash_token(TOKEN)}::2999-01-31"
    )
    aggregator, ranking = system.service("aggregator"), system.service("ranking")
    canary = system.service(
        "canary",
        MOSTREAD_CANARY_COLLECTOR_URL=collector.url,
        MOSTREAD_CANARY_RANKING_URL=ranking.url,
        MOSTREAD_CANARY_TOKEN=TOKEN,
        MOSTREAD_CANARY_INTERVAL_SECONDS="1",
    )
    # Its feed does not answer, which the metrics show.
    articles = ArticleSync(
        "articles",
        {
            "MOSTREAD_ARTICLES_FEEDS": "news=http://127.0.0.1:9/feed.xml",
            "MOSTREAD_ARTICLES_COLLECTOR_URL": collector.url,
            "MOSTREAD_ARTICLES_TOKEN": TOKEN,
        },
        directory,
    )
    system.started(articles)
    prometheus = Prometheus(system.services, directory)
    prometheus.add_yesterday(YESTERDAY, 0.1)
    try:
        for service in (collector, aggregator, ranking, canary):
            service.wait_ready()
        prometheus.start()
        yield Watched(prometheus, aggregator)
    finally:
        prometheus.stop()
        system.end()


def panels(board: dict[str, Any]) -> list[tuple[str, str]]:
    """Return each query of a dashboard, with the title of its panel."""
    return [
        (panel["title"], target["expr"])
        for panel in board["panels"]
        for target in panel.get("targets", [])
    ]


def substituted(expression: str) -> str:
    for name, value in VARIABLES.items():
        expression = expression.replace(name, value)
    assert "$" not in expression, expression
    return expression


def test_prometheus_scrapes_all_targets_and_no_alert_fires(watched: Watched) -> None:
    prometheus = watched.prometheus
    wait_until(lambda: prometheus.values("sum(up)") == [5], "all are up")
    wait_until(lambda: prometheus.values("mostread:events:rate5m > 0") != [], "rules are computed")
    wait_until(lambda: not prometheus.alerts("pending", "firing"), "nothing is wrong")
    groups = prometheus.query("rules")["groups"]
    assert {rule["health"] for group in groups for rule in group["rules"]} == {"ok"}


@pytest.mark.parametrize("file", DASHBOARDS, ids=lambda file: file.stem)
def test_dashboard_panels_have_data(file: Path, watched: Watched) -> None:
    for title, expression in panels(json.loads(file.read_text())):
        query = substituted(expression)
        wait_until(
            lambda query=query: watched.prometheus.values(query) != [],  # type: ignore[misc]
            f"{title!r} shows something: {query}",
        )


@pytest.mark.parametrize("file", DASHBOARDS, ids=lambda file: file.stem)
def test_dashboard_variables_offer_every_service(file: Path, watched: Watched) -> None:
    for variable in json.loads(file.read_text())["templating"]["list"][1:]:
        choice = re.fullmatch(
            r"label_values\((?P<series>.+), (?P<label>\w+)\)", variable["query"]["query"]
        )
        assert choice
        query = f"count by ({choice['label']}) ({substituted(choice['series'])})"
        assert len(watched.prometheus.values(query)) == 5, variable["name"]


def test_alerts_fire_for_stopped_aggregator_and_resolve_on_its_return(watched: Watched) -> None:
    prometheus = watched.prometheus
    assert watched.aggregator.stop() == 0
    wait_until(lambda: "MostreadNoAggregator" in prometheus.alerts("firing"), "the alert fires")
    wait_until(
        lambda: "MostreadInstanceDown" in prometheus.alerts("firing"), "the instance is named"
    )
    assert not prometheus.alerts("firing") & {"MostreadNoCollector", "MostreadNoRanking"}
    (alert,) = (
        alert
        for alert in prometheus.query("alerts")["alerts"]
        if alert["labels"]["alertname"] == "MostreadInstanceDown"
    )
    assert alert["labels"]["instance"] in alert["annotations"]["summary"]
    stands = prometheus.values("mostread:watermark_age_seconds:max")
    wait_until(
        lambda: prometheus.values("mostread:watermark_age_seconds:max") > stands, "lists age"
    )

    watched.aggregator.start().wait_ready()
    resolved = {"MostreadNoAggregator", "MostreadInstanceDown"}
    wait_until(lambda: not prometheus.alerts("pending", "firing") & resolved, "it is over")
