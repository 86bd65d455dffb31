"""docs/how-to/operations.md says of every setting, metric and address what the code says."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from prometheus_client import CollectorRegistry
from prometheus_client.metrics import MetricWrapperBase

from mostread.aggregator.metrics import AggregatorMetrics
from mostread.collector.metrics import CollectorMetrics
from mostread.infra.http.server import new_application
from mostread.infra.settings import variable
from mostread.ops.canary.metrics import CanaryMetrics
from mostread.ops.effective_settings import SERVICES, effective
from mostread.ranking.metrics import Metrics as RankingMetrics

OPERATIONS = (Path(__file__).parents[2] / "docs/how-to/operations.md").read_text()
LINES = OPERATIONS.splitlines()


def rows_about(pattern: str) -> set[str]:
    return {line for line in LINES if re.match(rf"\| `{pattern}` \|", line)}


def metric_rows(new_metrics: Callable[[CollectorRegistry], object]) -> Iterator[str]:
    registry = CollectorRegistry()
    new_metrics(registry)
    for metric in set(registry._collector_to_names):
        assert isinstance(metric, MetricWrapperBase)
        (family,) = metric.describe()
        name = f"{family.name}_total" if family.type == "counter" else family.name
        labels = ", ".join(metric._labelnames)
        yield f"| `{name}` | {family.type} | {labels} | {family.documentation} |"


def test_every_setting_is_documented_as_it_is() -> None:
    rows = {
        f"| `{setting.name}` | {f'`{setting.default}`' if setting.default else ''} "
        f"| {setting.description} |"
        for setting in effective()
    }
    assert rows_about(r"MOSTREAD_\w+") == rows


def test_every_metric_is_documented_as_it_is() -> None:
    rows = {
        row
        for new_metrics in (CollectorMetrics, AggregatorMetrics, RankingMetrics, CanaryMetrics)
        for row in metric_rows(new_metrics)
    }
    assert rows_about(r"mostread_\w+") == rows


def test_what_each_service_says_of_itself_is_documented() -> None:
    application = new_application(checks={}, registry=CollectorRegistry(), openapi={})
    for resource in application.router.resources():
        assert f"| `{resource.canonical}` |" in OPERATIONS
    for service, settings in SERVICES.items():
        if port := settings.model_fields.get(f"{service}_port"):
            assert f"{service} on {port.default}" in OPERATIONS


def test_every_secret_that_may_lie_in_a_file_is_named() -> None:
    for settings in SERVICES.values():
        for name in settings.secret_names():
            assert f"`{variable(name)}_FILE`" in OPERATIONS
