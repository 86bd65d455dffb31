"""Metrics of the pipeline, also while a dependency is unavailable."""

import json

from mostread.infra.clickhouse.client import connect
from tests.faults.log import produce
from tests.faults.verdict import against_recount
from tests.support.system import System, wait_until

VIEW = b'{"type":"view","article_id":"a"}'
OUTCOMES = ("counted", "duplicate", "late", "dead_lettered", "excluded")


def test_lag_metric_grows_while_clickhouse_rejects_writes(system: System) -> None:
    worker = system.service("aggregator").wait_ready()
    produce(system, [("a", VIEW)] * 10)
    wait_until(lambda: system.counted() == 10, "the first are counted")
    client = connect(system.clickhouse)
    client.command("RENAME TABLE counter_versions TO hidden")
    produce(system, [("a", VIEW)] * 1000)
    wait_until(lambda: worker.sum("mostread_aggregator_lag_records") == 1000, "the lag grows")
    produce(system, [("a", VIEW)] * 1000)
    wait_until(lambda: worker.sum("mostread_aggregator_lag_records") == 2000, "the lag grows on")
    client.command("RENAME TABLE hidden TO counter_versions")
    client.close()
    wait_until(lambda: worker.sum("mostread_aggregator_lag_records") == 0, "all is counted")


def test_metrics_account_for_every_event(system: System) -> None:
    worker = system.service("aggregator").wait_ready()
    ranking = system.service("ranking").wait_ready()
    once = json.dumps({"id": "once", "type": "view", "article_id": "a"}).encode()
    late = json.dumps({"type": "view", "article_id": "a", "timestamp": 1_600_000_000_000}).encode()
    produce(system, [("a", VIEW)] * 7 + [("a", once)] * 3 + [("a", late)] * 2 + [("a", b"{")])
    against_recount(system)
    wait_until(
        lambda: worker.sum("mostread_aggregator_received_events_total") == 13, "it is measured"
    )
    for outcome, events in zip(OUTCOMES, (8, 2, 2, 1, 0), strict=True):
        label = f'{{outcome="{outcome}"}}'
        assert worker.metric(f"mostread_aggregator_events_total{label}") == events
        assert ranking.metric(f"mostread_ranking_event_outcomes_total{label}") == events
    assert ranking.metric('mostread_ranking_event_outcomes_total{outcome="received"}') == 13
    assert worker.metric("mostread_aggregator_flush_events_sum") == 13
    for table in ("counter_versions", "checkpoint_versions"):
        inserts = worker.metric(
            f'mostread_aggregator_insert_duration_seconds_count{{table="{table}"}}'
        )
        assert 0 < inserts <= worker.metric(f'mostread_aggregator_rows_total{{table="{table}"}}')


def test_ranking_watermark_stands_still_without_aggregator(system: System) -> None:
    worker = system.service("aggregator").wait_ready()
    ranking = system.service("ranking").wait_ready()
    wait_until(
        lambda: ranking.metric("mostread_ranking_watermark_timestamp_seconds") > 0, "it counts"
    )
    assert worker.stop() == 0
    stands = ranking.metric("mostread_ranking_watermark_timestamp_seconds")
    ranking.wait_ready()
    assert ranking.metric("mostread_ranking_watermark_timestamp_seconds") == stands
