"""Metrics of several workers."""

from prometheus_client import CollectorRegistry, Gauge, generate_latest

from mostread.infra.http.workers import MergedMetrics


def test_metrics_of_workers_are_labelled_and_not_summed() -> None:
    merged = MergedMetrics()
    for worker in (1, 2):
        registry = CollectorRegistry()
        Gauge("connections", "Connections.", registry=registry).set(worker * 10)
        merged.add(worker, generate_latest(registry).decode())

    (family,) = merged.collect()
    assert {sample.labels["worker"]: sample.value for sample in family.samples} == {
        "1": 10,
        "2": 20,
    }
