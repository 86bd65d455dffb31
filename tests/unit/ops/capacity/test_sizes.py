"""`mostread plan`: computed sizes, and the examples in docs/how-to/scaling.md."""

import json
import random
import re
import shlex
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result

from mostread.cli.plan import plan
from mostread.ops.capacity import costs
from mostread.ops.capacity.sizes import ExpectedTraffic, deployment_sizes, distinct_articles

SCALING = (Path(__file__).parents[4] / "docs/how-to/scaling.md").read_text()
EXAMPLE = re.compile(
    r"```sh\n\.venv/bin/mostread plan ([^\n]*)\n```\n\n```text\n(.*?)```", re.DOTALL
)
EXAMPLES = EXAMPLE.findall(SCALING)
BILLION = ExpectedTraffic(1_000_000_000, 200_000)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(plan, arguments)


def test_documentation_has_examples() -> None:
    assert len(EXAMPLES) == 2


@pytest.mark.parametrize(("arguments", "output"), EXAMPLES)
def test_documented_output_equals_the_command(arguments: str, output: str) -> None:
    assert run(*shlex.split(arguments)).stdout == output


def test_json_has_traffic_and_sizes() -> None:
    plan_json = json.loads(run("--events-per-day", "8640000", "--articles", "10", "--json").stdout)
    assert plan_json["traffic"]["peak"] == 3
    assert (plan_json["sizes"]["average_rate"], plan_json["sizes"]["peak_rate"]) == (100, 300)
    assert plan_json["sizes"]["collector_cores"] == plan_json["sizes"]["aggregator_workers"] == 2
    day = 8_640_000 * costs.KAFKA_BYTES_PER_EVENT
    assert plan_json["sizes"]["kafka_disk_bytes"] == day * 7 * 3 // 3 * 2
    # All ten articles are read in every minute, hour and week.
    minutes, hours, weeks = 10 * 1440 * 35, 10 * 24 * 400, 10 * 400 / 7
    assert plan_json["sizes"]["counter_rows"] == round(minutes + hours + weeks + 10)


def test_distinct_articles_equals_random_draws() -> None:
    chance = random.Random(1)
    weights = [1 / rank for rank in range(1, 2001)]
    drawn = [len(set(chance.choices(range(2000), weights, k=500))) for _ in range(200)]
    assert distinct_articles(500, 2000) == pytest.approx(sum(drawn) / len(drawn), rel=0.02)
    assert distinct_articles(0, 2000) == 0
    assert distinct_articles(1e9, 2000) == pytest.approx(2000)


@pytest.mark.parametrize("more", [(2_000_000_000, 3.0), (1_000_000_000, 6.0)])
def test_doubled_traffic_needs_at_least_as_much(more: tuple[int, float]) -> None:
    events, peak = more
    before, after = (
        deployment_sizes(BILLION),
        deployment_sizes(ExpectedTraffic(events, 200_000, peak=peak)),
    )
    assert after.collector_cores == pytest.approx(2 * before.collector_cores, abs=1)
    assert after.aggregator_workers > before.aggregator_workers
    assert after.partitions >= before.partitions
    assert after.kafka_write_bytes == pytest.approx(2 * before.kafka_write_bytes, rel=1e-6)
    assert after.clickhouse_disk_bytes >= before.clickhouse_disk_bytes


def test_recovery_is_at_most_the_requested_seconds() -> None:
    for seconds in (30, 120, 1000):
        needed = deployment_sizes(ExpectedTraffic(1_000_000_000, 200_000, recovery_seconds=seconds))
        assert needed.recovery_seconds <= seconds
        assert needed.partitions >= needed.aggregator_workers


def test_sites_divide_the_articles_of_lists_and_change_nothing_else() -> None:
    thousand = msgspec.structs.replace(BILLION, sites=1000)
    one_site, many_sites = deployment_sizes(BILLION), deployment_sizes(thousand)
    assert many_sites.list_milliseconds == pytest.approx(costs.LIST_MS, abs=2)
    assert many_sites == msgspec.structs.replace(
        one_site,
        list_milliseconds=many_sites.list_milliseconds,
        clickhouse_memory_bytes=many_sites.clickhouse_memory_bytes,
    )
    list_bytes = costs.LISTS_AT_ONCE * costs.LIST_BYTES_PER_ARTICLE * BILLION.articles
    saved = one_site.clickhouse_memory_bytes - many_sites.clickhouse_memory_bytes
    assert saved == pytest.approx(list_bytes * BILLION.headroom, rel=0.01)


def test_visitor_sketches_of_nine_days_are_part_of_the_disk() -> None:
    sizes = deployment_sizes(BILLION)
    assert sizes.sketch_rows == sizes.aggregator_workers * costs.SKETCHES_PER_WORKER_HOUR * 9 * 24
    stored = (
        sizes.counter_rows * costs.COUNTER_ROW_BYTES + sizes.sketch_rows * costs.SKETCH_ROW_BYTES
    )
    assert sizes.clickhouse_disk_bytes == pytest.approx(stored * BILLION.headroom, rel=1e-6)


def test_lookups_take_the_measured_time_per_counter() -> None:
    sizes = deployment_sizes(BILLION)
    per_worker = sizes.counter_rows_per_second / sizes.aggregator_workers
    seconds = per_worker / costs.BENCHMARK.lookups_per_second
    assert sizes.lookup_percent == pytest.approx(100 * seconds, abs=1)


def test_invalid_options_are_refused() -> None:
    refused = run("--events-per-day", "10", "--articles", "10", "--brokers", "1")
    assert refused.exit_code == 2
    assert "--replication exceeds --brokers" in refused.stderr
    assert run("--events-per-day", "0", "--articles", "10").exit_code == 2


def test_memory_of_a_counter_equals_the_documented_one() -> None:
    settings = (Path(__file__).parents[4] / "docs/reference/settings.md").read_text()
    assert f"about {costs.COUNTER_BYTES_IN_MEMORY} bytes each" in settings
