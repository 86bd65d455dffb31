"""The benchmarks run, and each contestant does all of its work; speed is not tested."""

import dataclasses
from pathlib import Path

import pytest

from benchmarks import collectors, latency, lists, lookups, page, ranges, views
from benchmarks.__main__ import SECTIONS
from benchmarks.aggregator_section import count, tables
from benchmarks.aggregators import ENGINES, contestants
from benchmarks.collectors import COLLECTORS, Collector
from benchmarks.contestant import Contestant, Measured, Servers
from benchmarks.day import Day, simulate
from benchmarks.log import Load, Log, fill
from benchmarks.profile import REST, shares
from benchmarks.profile_section import AGGREGATOR, COLLECTOR
from mostread.devstack.servers.clickhouse import LocalClickHouse
from mostread.devstack.servers.kafka import LocalKafka
from mostread.infra.clickhouse.client import connect
from mostread.infra.kafka.config import KafkaSettings
from tests.support.system import System
from tests.support.tools import tool

AGGREGATORS = contestants(12_000)


@pytest.fixture
def servers(kafka: LocalKafka, clickhouse: LocalClickHouse) -> Servers:
    return Servers(kafka, clickhouse)


@pytest.mark.parametrize("contestant", AGGREGATORS, ids=[each.name for each in AGGREGATORS])
def test_measured_aggregator_counts_every_event(servers: Servers, contestant: Contestant) -> None:
    measured = count(servers, contestant, fill(servers.brokers, contestant.load))
    assert measured.events_per_second > 0
    assert max(measured.memory) > 10 << 20


def test_log_contains_its_load(servers: Servers) -> None:
    log = fill(servers.brokers, Load(1_003, events_per_record=10))
    # The last record of a partition may be shorter.
    assert 101 <= sum(log.ends.values()) <= 104


@pytest.mark.parametrize("collector", COLLECTORS, ids=[each.name for each in COLLECTORS])
def test_measured_collector_keeps_acknowledged_events(
    servers: Servers, collector: Collector
) -> None:
    tool("wrk")
    # A busy machine must answer some of them within the second, so they are few.
    few = dataclasses.replace(collector, connections=8)
    result = collectors.measure(servers, few, seconds=1)
    assert result.events_per_second > 0
    assert result.acknowledged > 0
    assert (result.kept >= result.acknowledged) == collector.durable


def test_list_section_measures_computed_and_cached_lists(servers: Servers) -> None:
    tool("wrk")
    served = lists.measure(servers, rows=1440 * 50, seconds=1, rounds=1)
    assert len(served.cold_ms) == lists.COLD
    assert served.cached[0].per_second > 0
    assert served.limit[0].per_second > 0


def test_lookup_section_looks_up_what_it_stores(servers: Servers) -> None:
    with lookups.stored(servers, sites=7, rows=3_000) as counters:
        assert counters.seconds(1) > 0
        assert counters.seconds(3_000) > 0


def test_simulated_day_counts_every_event(servers: Servers) -> None:
    measured = simulate(servers, Day(2_000, sites=10, articles=500))
    assert sum(measured.minutes) == 2_000
    assert measured.counter_rows > 500
    assert measured.kafka_bytes > 100_000


def test_measured_queries_have_the_same_rows_on_views_and_tables(system: System) -> None:
    client = connect(system.clickhouse)
    ranges.fill(client, articles=20)
    for name, (view, table) in views.measure(client).items():
        assert len(view) == len(table) == views.ROUNDS, name
    client.close()


async def test_latency_probes_become_visible(system: System) -> None:
    assert len(await latency.measure(system, rate=50, seconds=1)) == latency.PROBES_PER_SECOND


def _rounds(*speeds: int) -> list[Measured]:
    return [Measured(speed, 1e6 / speed, wrong=0) for speed in speeds]


def test_tables_show_median_ratio_and_goals() -> None:
    results = {each.name: _rounds(100, 300, 200) for each in AGGREGATORS}
    results["mostread, 100 per record"] = _rounds(20_000, 10_000, 30_000)
    text = tables(results)
    row = "| mostread, 100 per record | 20,000 | 10,000 to 30,000 | 100.0 | 100.00 | 50.00 |"
    assert row in text
    assert "| 100 per record: × usual Faust | ≥ 70.0 | 100 | ✓ |" in text
    assert "| 1 per record: × usual Faust | ≥ 20.0 | 1.00 | ✗ |" in text


def test_peer_that_counts_wrong_has_no_figures() -> None:
    results = {each.name: _rounds(100, 300, 200) for each in AGGREGATORS}
    (engine,) = ENGINES
    name = f"{engine}, 100 per record"
    results[name][1] = dataclasses.replace(results[name][1], wrong=3)
    text = tables(results)
    assert f"| {name} | counted 3 articles wrong |  |  |  |  |" in text
    assert (
        "| 100 per record: of ClickHouse's engine, by processor time | ≥ 0.60 | nan | ✗ |" in text
    )


def test_log_reports_missing_and_wrong_articles() -> None:
    log = Log(Load(6), KafkaSettings(), {}, {"a": 3, "b": 2, "c": 1})
    assert log.wrong({"c": 1, "a": 3, "b": 2}) == 0
    assert log.wrong({"a": 4, "b": 2, "d": 1}) == 3


def test_sample_belongs_to_innermost_stage() -> None:
    stages = {"fetching": ("aiokafka/",), "counting": ("mostread/core/",)}
    stacks = [
        (["run (aiokafka/a.py:1)", "count (mostread/core/b.py:2)", "<lambda> (<x>:1)"], 3),
        (["run (mostread/core/b.py:1)", "read (aiokafka/a.py:2)"], 1),
        (["run (uvloop/loop.py:1)"], 4),
    ]
    assert shares(stacks, stages) == {"fetching": 12.5, "counting": 37.5, REST: 50.0}


def test_profile_stages_name_existing_code() -> None:
    services = Path(__file__).parents[3] / "services"
    paths = [
        path for stages in (AGGREGATOR, COLLECTOR) for each in stages.values() for path in each
    ]
    own = [path for path in paths if path.startswith("mostread/")]
    assert [path for path in own if not (services / path).exists()] == []


def test_performance_page_has_every_table() -> None:
    text = page.PAGE.read_text()
    for section in SECTIONS:
        text = page.replace_section(text, section, f"new {section}")
    assert all(f"-->\nnew {section}\n<!--" in text for section in SECTIONS)
