"""`mostread export` of counted events."""

import csv
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson
import pyarrow.parquet  # type: ignore[import-untyped]
import pytest
from click.testing import CliRunner

from mostread.cli.export import export
from mostread.devstack.servers.clickhouse import LocalClickHouse
from mostread.devstack.servers.kafka import LocalKafka
from mostread.infra.clickhouse.client import connect
from tests.faults.log import produce
from tests.support.system import System, wait_until

TODAY = datetime.now(UTC).date().isoformat()


@pytest.fixture(scope="module")
def counted(
    kafka: LocalKafka, clickhouse: LocalClickHouse, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[System]:
    """Views, a comment and a like of two sites; an article has an id like a formula."""
    directory = tmp_path_factory.mktemp("export")
    system = System(kafka.brokers, clickhouse.url, f"export_{uuid4().hex[:6]}", directory)
    system.init()
    system.service("aggregator")
    lines: list[dict[str, Any]] = [
        {"type": "view", "article_id": "=1+1", "site": "news", "id": "once", "visitor": "v"},
        {"type": "view", "article_id": "=1+1", "site": "news", "id": "once", "visitor": "v"},
        {"type": "comment", "article_id": "a", "site": "news", "timestamp": 1_700_000_000_000},
        {"type": "like", "article_id": "b", "site": "sport"},
        {"type": "view", "article_id": "c", "site": "mostread.canary"},
    ]
    produce(system, [(line["site"], orjson.dumps(line)) for line in lines])
    produce(system, [("news", b"no event")])
    wait_until(lambda: system.counted() == 6, "all are counted")
    client = connect(system.clickhouse)
    client.insert(
        "article_versions",
        [["news", "a", "@title", ["A", "B"]]],
        column_names=["site", "article_id", "title", "authors"],
    )
    client.close()
    yield system
    system.end()


@pytest.fixture
def out(counted: System, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of an export of `counted`."""
    for name, value in counted.environment.items():
        monkeypatch.setenv(name, value)
    return tmp_path / "out"


def run(out: Path, *arguments: str) -> str:
    """Run the command; return its output."""
    done = CliRunner().invoke(export, [str(out), *arguments], catch_exceptions=False)
    assert (done.exit_code, done.stderr) == (0, "")
    return done.stdout


def rows(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a file, the texts of CSV as they are."""
    if path.suffix == ".ndjson":
        return [json.loads(line) for line in path.read_text().splitlines()]
    if path.suffix == ".csv":
        return list(csv.DictReader(path.read_text().splitlines()))
    table: list[dict[str, Any]] = pyarrow.parquet.read_table(path).to_pylist()
    return table


def test_formats_of_views_have_the_same_rows(out: Path) -> None:
    for form in ("ndjson", "csv", "parquet"):
        assert run(out, "--what=totals", f"--format={form}").startswith("wrote 1 files to")
    run(out, "--what=hours", f"--from={TODAY}", "--format=parquet", "--site=news")
    run(out, "--what=articles")
    totals: list[dict[str, Any]] = [
        {"site": "news", "article_id": "=1+1", "views": 1, "comments": 0, "likes": 0},
        {"site": "news", "article_id": "a", "views": 0, "comments": 1, "likes": 0},
        {"site": "sport", "article_id": "b", "views": 0, "comments": 0, "likes": 1},
    ]
    assert rows(out / "totals.ndjson") == rows(out / "totals.parquet") == totals
    guarded = [{**row, "article_id": row["article_id"].replace("=", "'=")} for row in totals]
    texts = [{name: str(value) for name, value in row.items()} for row in guarded]
    assert rows(out / "totals.csv") == texts
    (hour,) = rows(out / f"hours-news-{TODAY}.parquet")
    assert hour["hour"].date().isoformat() == TODAY
    assert (hour["article_id"], hour["views"]) == ("=1+1", 1)
    (article,) = rows(out / "articles.csv")
    assert (article["title"], article["authors"]) == ("'@title", "A|B")
    assert (article["described"], article["published_at"]) == ("1", "")


def test_events_are_those_of_the_log(out: Path) -> None:
    run(out, "--what=events", f"--from={TODAY}", "--format=ndjson")
    run(out, "--what=events", f"--from={TODAY}", "--site=news")
    events = rows(out / f"events-{TODAY}.ndjson")
    names = ("site", "article_id", "type", "delta", "id")
    # Duplicates are in the log; other lines than events, and the canary, are not exported.
    assert sorted(tuple(event[name] for name in names) for event in events) == [
        ("news", "=1+1", "view", 1, "once"),
        ("news", "=1+1", "view", 1, "once"),
        ("news", "a", "comment", 1, ""),
        ("sport", "b", "like", 1, ""),
    ]
    assert {e["timestamp"] for e in events} == {None, "2023-11-14T22:13:20.000Z"}
    assert all(e["record_time"].startswith(TODAY) for e in events)
    assert len({(e["partition"], e["offset"]) for e in events}) == len(events)
    news = rows(out / f"events-news-{TODAY}.csv")
    assert [e["article_id"] for e in news] == ["'=1+1", "'=1+1", "a"]
    assert [e["visitor"] for e in news] == ["v", "v", ""]


def test_repeated_export_keeps_days_that_are_over(out: Path) -> None:
    arguments = ("--what=hours", "--from=2026-01-01", "--to=2026-01-03", "--format=ndjson")
    assert "wrote 3 files" in run(out, *arguments)
    (out / "hours-2026-01-01.ndjson").write_bytes(b"kept")
    (out / "hours-2026-01-02.ndjson").unlink()  # as if interrupted before
    written = run(out, *arguments)
    assert written == f"wrote 1 files to {out}, 0 bytes; kept 2 of days that are over\n"
    assert (out / "hours-2026-01-01.ndjson").read_bytes() == b"kept"
    assert (out / "hours-2026-01-02.ndjson").exists()
    # Today is not over.
    for _ in range(2):
        assert "kept" not in run(out, "--what=hours", f"--from={TODAY}")
