"""`mostread import-logs` on ClickHouse: correct windows, all or nothing, and once."""

import gzip
import os
import pty
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner, Result
from kafka import KafkaProducer

from mostread.cli.audit import audit
from mostread.cli.import_logs import import_logs
from mostread.cli.import_totals import import_totals
from mostread.errors import ClickHouseUnavailable, InvalidFile, NameTaken, Overlapping
from mostread.infra.clickhouse.client import connect
from mostread.ops.imports.repository import ImportRepository
from tests.support.access_logs import Traffic, line, traffic
from tests.support.system import System, listed, wait_until

ARTICLE = r"^/news/(?P<article>[^/?]+)"
DAYS = 50


def run(system: System, *arguments: str) -> Result:
    return CliRunner().invoke(
        import_logs,
        ["--article", ARTICLE, *arguments],
        env=system.environment,
        catch_exceptions=False,
    )


def imports(system: System, *arguments: str) -> str:
    return CliRunner().invoke(import_totals, arguments, env=system.environment).output


def counters(system: System) -> dict[str, dict[tuple[str, int], int]]:
    """Return views by grain, article and window."""
    client = connect(system.clickhouse)
    rows = client.query(
        "SELECT grain, article_id, toUnixTimestamp(window), sum(views) FROM counter_versions FINAL"
        " GROUP BY grain, article_id, window"
    ).result_rows
    client.close()
    by_grain: dict[str, dict[tuple[str, int], int]] = {}
    for grain, article, window, views in rows:
        by_grain.setdefault(grain, {})[article, window] = views
    return by_grain


@pytest.fixture(scope="module")
def yesterday() -> datetime:
    return datetime.now(UTC) - timedelta(days=1)


@pytest.fixture(scope="module")
def readers(yesterday: datetime) -> Traffic:
    """Requests of fifty days, more than the TTL of minutes, until yesterday."""
    return traffic(6000, yesterday - timedelta(days=DAYS), timedelta(days=DAYS))


@pytest.fixture
def log(readers: Traffic, tmp_path: Path) -> Path:
    file = tmp_path / "access.log"
    file.write_text("".join(readers.lines))
    return file


def test_log_counts_once_in_the_windows_of_its_requests(
    system: System, log: Path, readers: Traffic, tmp_path: Path
) -> None:
    assert "would import log-" in run(system, str(log), "--dry-run").output
    assert counters(system) == {}
    done = run(system, str(log)).output
    views = readers.by_article()
    name = done.splitlines()[-1].split()[1].rstrip(":")
    assert done.endswith(f"imported {name}: {views.total():,} views of {len(views)} articles\n")

    counted = counters(system)
    assert {article: n for (article, _), n in counted["total"].items()} == dict(views)
    now = time.time()
    for grain, length, kept in (("minute", 60, 35), ("hour", 3600, 400), ("week", 604_800, 400)):
        expected: dict[tuple[str, int], int] = {}
        for (article, minute), n in readers.by_minute().items():
            first = 4 * 86_400 if grain == "week" else 0  # the first Monday
            window = (minute * 60 - first) // length * length + first
            if window > now - kept * 86_400 + 60:
                expected[article, window] = expected.get((article, window), 0) + n
        edge = now - kept * 86_400 + 60
        assert {key: n for key, n in counted[grain].items() if key[1] > edge} == expected
    assert len(counted["minute"]) < len(counted["hour"])

    # The same lines in other files, in another order, gzipped.
    middle = len(readers.lines) // 2
    parts = [tmp_path / "access.log.2.gz", tmp_path / "access.log.1"]
    parts[0].write_bytes(gzip.compress("".join(readers.lines[: middle + 500]).encode()))
    parts[1].write_text("".join(readers.lines[middle:]))
    for files in ([log], parts, parts[::-1], [log, *parts]):
        again = run(system, *map(str, files)).output
        assert again.splitlines()[-1].startswith(f"nothing to do: {name}: "), again
    assert counters(system) == counted

    # Another name is refused, also for a part of the log.
    with pytest.raises(Overlapping, match=f"{views.total():,} of the import {name}"):
        run(system, str(log), "--name", "other")
    with pytest.raises(Overlapping, match="--allow-overlap"):
        run(system, str(parts[0]), "--until", "37d", "--host", "", "--name", "other")
    assert counters(system) == counted
    assert f"{name}: {len(views)} articles with" in imports(system, "--list")
    assert imports(system, "--remove", name).startswith(f"removed {name}")
    assert counters(system) == {}
    run(system, str(log), "--name", "october")
    assert counters(system) == counted
    with pytest.raises(NameTaken, match="mostread import-totals --remove october"):
        run(system, str(log), "--name", "october", "--until", "5d")


def test_log_import_with_other_imports_sites_and_servers(
    system: System, log: Path, readers: Traffic
) -> None:
    """Imported totals have no time, halves of a log add up, and sites are separate."""
    assert "imported old" in CliRunner().invoke(
        import_totals, ["-", "--name", "old"], env=system.environment,
        input="article_id,views,comments,likes\nистория-1,1000,0,0\n",
    ).output  # fmt: skip
    # At a full half hour, so that no deduplication window is split.
    cut = datetime.fromtimestamp(int(time.time()) // 1800 * 1800 - 20 * 86_400, UTC).isoformat()
    run(system, str(log), "--name", "first", "--until", cut)
    run(system, str(log), "--name", "second", "--since", cut)
    views = readers.by_article()
    totals = {article: n for (article, _), n in counters(system)["total"].items()}
    assert totals == {**views, "история-1": views["история-1"] + 1000}
    assert run(system, str(log), "--site", "other").exit_code == 0
    assert run(system, str(log), "--name", "twin", "--allow-overlap").exit_code == 0
    totals = {article: n for (article, _), n in counters(system)["total"].items()}
    assert totals["история-2"] == 3 * views["история-2"]


def test_interrupted_import_is_completed_by_the_next_run(
    system: System, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> None:
        raise ClickHouseUnavailable("killed")

    with monkeypatch.context() as patch:
        patch.setattr(ImportRepository, "_write_record", die)
        with pytest.raises(ClickHouseUnavailable):
            run(system, str(log), "--name", "october")
    counted = counters(system)
    with pytest.raises(Overlapping, match="an interrupted import"):
        run(system, str(log), "--name", "another")
    assert run(system, str(log), "--name", "october").exit_code == 0
    assert counters(system) == counted


def test_lists_include_imported_views_and_live_events_are_not_counted_again(
    system: System, log: Path, readers: Traffic, yesterday: datetime
) -> None:
    worker = system.service("aggregator").wait_ready()
    producer = KafkaProducer(bootstrap_servers=system.kafka.bootstrap_servers, acks="all")
    event = {"type": "view", "article_id": "live", "timestamp": time.time_ns() // 1_000_000}
    producer.send(system.kafka.events_topic, orjson.dumps(event), partition=0).get(30)
    producer.close()
    wait_until(lambda: system.counted() == 1, "the event is counted")
    today = log.with_name("today.log")
    today.write_text(log.read_text() + line(datetime.now(UTC), "/news/live"))
    with pytest.raises(Overlapping, match="1 of live events"):
        run(system, str(today))
    run(system, str(today), "--until", yesterday.isoformat())

    ranking = system.service("ranking").wait_ready()

    everything = {article: (n, n) for article, n in readers.by_article().items()}
    assert listed(ranking.url, "all") == {**everything, "live": (1, 1)}
    start = int(time.time()) // 60 - 7 * 1440
    within = sum(n for (_, minute), n in readers.by_minute().items() if minute > start)
    edge = sum(n for (_, minute), n in readers.by_minute().items() if abs(minute - start) < 5)
    # The window slides while the test runs, so views at its edge may be in it or not.
    assert abs(sum(n for n, _ in listed(ranking.url, "7d").values()) - 1 - within) <= edge
    assert within > 100
    assert worker.stop() == 0
    checked = CliRunner().invoke(audit, env=system.environment)
    assert checked.exit_code == 0, checked.output
    assert "lifetime views of import log-" in checked.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--article", "/news/["], "is not a regular expression"),
        (["--article", "/news/.*"], "put it in a group"),
        (["--since", "lately"], "is not a time"),
        (["--format", "apache"], "'apache' is not a format; use one of json, w3c, haproxy"),
        (["--format", "%h %t %r"], "has no status"),
        (["--trusted-proxies", "10.0.0.0/8,proxy"], "'proxy' is not a network"),
        (["--time-zone", "Mars/Phobos"], "is not a time zone"),
        (["--name", "a b"], "up to 64 of"),
        (["--site", "a:b"], "up to 64 of"),
        (["missing.log"], "does not exist"),
    ],
)
def test_invalid_option_value_is_a_usage_error(
    arguments: list[str], message: str, log: Path
) -> None:
    done = CliRunner().invoke(import_logs, ["--article", ARTICLE, str(log), *arguments])
    assert done.exit_code == 2
    assert message in done.output


def test_log_without_views_is_refused_with_a_summary(tmp_path: Path) -> None:
    file = tmp_path / "access.log"
    file.write_text('{"path": "/news/a"}\n\x1b[31mred\n')
    arguments = ["--article", ARTICLE, str(file), "--dry-run"]
    with pytest.raises(InvalidFile, match=r"no line can be read; .* --format"):
        CliRunner().invoke(import_logs, arguments, catch_exceptions=False)
    output = CliRunner().invoke(import_logs, arguments).output
    assert f"{file}:2: JSON without client and time and status (keys: path); " in output
    assert r"'\x1b[31mred'" in output
    file.write_text(line(datetime.now(UTC), "/about"))
    with pytest.raises(InvalidFile, match="check --article"):
        CliRunner().invoke(import_logs, arguments, catch_exceptions=False)
    output = CliRunner().invoke(import_logs, arguments).output
    assert f"no article                1  by --article; {file}:1: /about" in output
    assert "format       combined\n" in output


def test_progress_is_shown_on_a_terminal(log: Path) -> None:
    controller, terminal = pty.openpty()
    command = [sys.executable, "-m", "mostread", "import-logs", str(log), "--dry-run"]
    with subprocess.Popen(
        [*command, "--article", ARTICLE], stdout=subprocess.PIPE, stderr=terminal
    ) as process:
        os.close(terminal)
        assert process.stdout
        output = process.stdout.read().decode()
    shown = os.read(controller, 100_000).decode()
    os.close(controller)
    assert process.returncode == 0
    assert "reading" in shown
    assert "100%" in shown
    assert "would import log-" in output
    assert "reading" not in output
