"""Metrics of disks: replaced at each reading, and absent after an error."""

from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from mostread.aggregator.config import AggregatorSettings
from mostread.aggregator.disks import Disks
from mostread.aggregator.metrics import AggregatorMetrics, Disk, Usage


def test_reading_replaces_what_is_known_of_its_system_alone() -> None:
    registry = CollectorRegistry()
    metrics = AggregatorMetrics(registry)

    def free(system: str, server: str) -> float | None:
        labels = {"system": system, "server": server, "disk": "/data"}
        return registry.get_sample_value("mostread_aggregator_disk_free_bytes", labels)

    def stored(system: str, name: str) -> float | None:
        labels = {"system": system, "name": name}
        return registry.get_sample_value("mostread_aggregator_stored_bytes", labels)

    metrics.report_disks("kafka", Usage([Disk("1", "/data", 5, 10)], {"events": 3}))
    metrics.report_disks("clickhouse", Usage([Disk("db", "/data", 6, 10)], {"articles": 4}))
    assert (free("kafka", "1"), free("clickhouse", "db")) == (5, 6)
    assert (stored("kafka", "events"), stored("clickhouse", "articles")) == (3, 4)

    metrics.report_disks("kafka", Usage([Disk("2", "/data", 7, 10)], {}))
    assert (free("kafka", "1"), free("kafka", "2"), free("clickhouse", "db")) == (None, 7, 6)
    assert (stored("kafka", "events"), stored("clickhouse", "articles")) == (None, 4)


def test_unreachable_server_is_no_reading_and_logged_once() -> None:
    settings = AggregatorSettings(clickhouse_url="http://127.0.0.1:9")
    disks = Disks(settings, AggregatorMetrics(CollectorRegistry()))
    with capture_logs() as logs:
        for _ in range(2):
            assert disks.read("clickhouse") == Usage([], {})
    [line] = logs
    assert (line["event"], line["system"]) == ("disks_not_measured", "clickhouse")
    assert "does not answer" in line["error"]
