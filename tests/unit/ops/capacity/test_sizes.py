"""What `mostread plan` computes, and that docs/how-to/scaling.md says the same."""

import json
import random
import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mostread.cli.plan import plan
from mostread.ops.capacity import costs
from mostread.ops.capacity.sizes import Traffic, _read, sizes

SCALING = (Path(__file__).parents[4] / "docs/how-to/scaling.md").read_text()
EXAMPLE = re.compile(
    r"```sh\n\.venv/bin/mostread plan ([^\n]*)\n```\n\n```text\n(.*?)```", re.DOTALL
)
SHOWN = EXAMPLE.findall(SCALING)
BILLION = Traffic(1_000_000_000, 200_000)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(plan, arguments)


def test_there_are_examples() -> None:
    assert len(SHOWN) == 2


@pytest.mark.parametrize(("arguments", "output"), SHOWN)
def test_the_document_shows_what_the_command_says(arguments: str, output: str) -> None:
    assert run(*shlex.split(arguments)).stdout == output


def test_json_has_what_was_asked_and_what_it_takes() -> None:
    said = json.loads(run("--events-per-day", "8640000", "--articles", "10", "--json").stdout)
    assert said["traffic"]["peak"] == 3
    assert (said["sizes"]["average_rate"], said["sizes"]["peak_rate"]) == (100, 300)
    assert said["sizes"]["collector_cores"] == said["sizes"]["aggregator_workers"] == 2
    day = 8_640_000 * costs.KAFKA_BYTES_AN_EVENT
    assert said["sizes"]["kafka_disk_bytes"] == day * 7 * 3 // 3 * 2
    # Each of ten articles is read in every minute and hour, the last 34 times a minute's views.
    minutes, hours = 10 * 1440 * costs.MINUTE_DAYS, 10 * 24 * costs.HOUR_DAYS
    assert said["sizes"]["counter_rows"] == minutes + hours + 10


def test_articles_read_are_as_many_as_when_they_are_drawn() -> None:
    chance = random.Random(1)
    weights = [1 / rank for rank in range(1, 2001)]
    drawn = [len(set(chance.choices(range(2000), weights, k=500))) for _ in range(200)]
    assert _read(500, 2000) == pytest.approx(sum(drawn) / len(drawn), rel=0.02)
    assert _read(0, 2000) == 0
    assert _read(1e9, 2000) == pytest.approx(2000)


@pytest.mark.parametrize("more", [(2_000_000_000, 3.0), (1_000_000_000, 6.0)])
def test_twice_as_much_takes_at_least_as_much_of_everything(more: tuple[int, float]) -> None:
    events, peak = more
    before, after = sizes(BILLION), sizes(Traffic(events, 200_000, peak=peak))
    assert after.collector_cores == pytest.approx(2 * before.collector_cores, abs=1)
    assert after.aggregator_workers > before.aggregator_workers
    assert after.partitions >= before.partitions
    assert after.kafka_write_bytes == pytest.approx(2 * before.kafka_write_bytes, rel=1e-6)
    assert after.clickhouse_disk_bytes >= before.clickhouse_disk_bytes


def test_a_takeover_is_as_short_as_was_asked() -> None:
    for seconds in (30, 120, 1000):
        needed = sizes(Traffic(1_000_000_000, 200_000, takeover_seconds=seconds))
        assert needed.takeover_seconds <= seconds
        assert needed.partitions >= needed.aggregator_workers


def test_what_cannot_be_is_refused() -> None:
    refused = run("--events-per-day", "10", "--articles", "10", "--brokers", "1")
    assert refused.exit_code == 2
    assert "--replication cannot be above --brokers" in refused.stderr
    assert run("--events-per-day", "0", "--articles", "10").exit_code == 2


def test_what_was_measured_is_in_the_documents() -> None:
    """Where `make bench` writes other figures, costs.py is to follow."""
    performance = (Path(__file__).parents[4] / "docs/explanation/performance.md").read_text()
    settings = (Path(__file__).parents[4] / "docs/reference/settings.md").read_text()

    def cell(row: str, column: int) -> float:
        (line,) = re.findall(rf"^\| {re.escape(row)} \| [0-9].*$", performance, re.MULTILINE)
        return float(line.split("|")[column].strip().replace(",", ""))

    def near(figure: int) -> object:
        return pytest.approx(figure, rel=0.35)

    assert cell("mostread", 4) == near(costs.COLLECTOR_EVENTS_A_CORE)
    batched = cell("mostread, 200 events per request", 4)
    assert batched == near(costs.COLLECTOR_BATCHED_EVENTS_A_CORE)
    assert cell("mostread, 1 per record", 2) == near(costs.AGGREGATOR_EVENTS_A_WORKER)
    reread = cell("bare loop: the limit, 1 per record", 2)
    assert reread == near(costs.REREAD_EVENTS_A_SECOND)
    assert f"about {costs.COUNTER_BYTES_IN_MEMORY} bytes each" in settings
