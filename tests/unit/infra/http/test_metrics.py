"""Durations of requests as a Prometheus histogram."""

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from mostread.infra.http.metrics import CountedElsewhere, RequestDurations


def test_duration_counts_in_its_bucket_and_all_larger_ones() -> None:
    registry = CollectorRegistry()
    durations = RequestDurations("seconds", "Durations.", (0.001, 0.5, 1), registry)
    for seconds in (0.0005, 0.5, 0.6, 5):
        durations.observe("/v1/events", 202, seconds)
    durations.observe("other", 404, 0.0001)

    (family,) = text_string_to_metric_families(generate_latest(registry).decode())
    samples = {
        (sample.name, sample.labels.get("le")): sample.value
        for sample in family.samples
        if sample.labels["route"] == "/v1/events"
    }
    assert family.type == "histogram"
    assert samples == {
        ("seconds_bucket", "0.001"): 1,
        ("seconds_bucket", "0.5"): 2,
        ("seconds_bucket", "1.0"): 3,
        ("seconds_bucket", "+Inf"): 4,
        ("seconds_count", None): 4,
        ("seconds_sum", None): 6.1005,
    }


def test_counter_of_another_process_has_its_latest_values() -> None:
    registry = CollectorRegistry()
    counter = CountedElsewhere("events_total", "Events.", "outcome", registry)
    counter.set("counted", 3)
    counter.set("counted", 5)
    counter.set("late", 1)

    (family,) = text_string_to_metric_families(generate_latest(registry).decode())
    assert family.type == "counter"
    assert {(each.name, each.labels["outcome"], each.value) for each in family.samples} == {
        ("events_total", "counted", 5),
        ("events_total", "late", 1),
    }
