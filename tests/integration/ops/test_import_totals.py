"""`mostread import-totals` on ClickHouse: all or nothing, once, and part of every total."""

import time
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner, Result
from kafka import KafkaProducer

from mostread.cli.audit import audit
from mostread.cli.import_totals import import_totals
from mostread.errors import ClickHouseUnavailable, InvalidFile, NameTaken
from mostread.infra.clickhouse.client import connect
from mostread.ops.imports.repository import ImportRepository, topic_id
from tests.support.system import System, listed, wait_until

HEADER = "article_id,views,comments,likes\n"
OLD = f"{HEADER}a,1000,20,3\nстатья,7,0,0\n"


def run(system: System, *arguments: str, stdin: str = "") -> Result:
    return CliRunner().invoke(
        import_totals, arguments, env=system.environment, input=stdin, catch_exceptions=False
    )


def totals(system: System) -> dict[str, tuple[int, int, int]]:
    client = connect(system.clickhouse)
    rows = client.query(
        "SELECT article_id, sum(views), sum(comments), sum(likes) FROM counter_versions FINAL"
        " WHERE grain = 'total' GROUP BY article_id"
    ).result_rows
    client.close()
    return {row[0]: (row[1], row[2], row[3]) for row in rows}


def tables(system: System) -> set[str]:
    client = connect(system.clickhouse)
    names = {row[0] for row in client.query("SHOW TABLES").result_rows}
    client.close()
    return names


def test_import_counts_once_until_removed(system: System, tmp_path: Path) -> None:
    file = tmp_path / "old.csv"
    file.write_text(OLD)
    before = tables(system)
    description = "old: 2 articles with 1,007 views, 20 comments, 3 likes"
    assert (
        run(system, str(file), "--name", "old", "--dry-run").output
        == f"would import {description}\n"
    )
    assert totals(system) == {}
    assert run(system, str(file), "--name", "old").output == f"imported {description}\n"
    counted = {"a": (1000, 20, 3), "статья": (7, 0, 0)}
    assert totals(system) == counted
    again = run(system, "-", "--name", "old", stdin=OLD.replace(",", ";"))
    assert again.exit_code == 0
    assert again.output.startswith(f"nothing to do: {description} were imported at 20")
    with pytest.raises(NameTaken, match="mostread import-totals --remove old"):
        run(system, "-", "--name", "old", stdin=OLD + "c,1,1,1\n")
    assert totals(system) == counted

    run(system, "-", "--name", "older", stdin=f"{HEADER}a,1,1,1\n")
    assert totals(system)["a"] == (1001, 21, 4)
    assert [line.split()[1] for line in run(system, "--list").output.splitlines()] == [
        "old:",
        "older:",
    ]
    assert run(system, "--remove", "old").output == f"removed {description}\n"
    assert totals(system) == {"a": (1, 1, 1)}
    assert run(system, "--remove", "old").output == "nothing to do: no import is named old\n"
    assert "older" in run(system, "--list").output
    run(system, "-", "--name", "old", stdin=f"{HEADER}a,5,5,5\n")
    assert totals(system) == {"a": (6, 6, 6)}
    assert tables(system) == before


def test_import_with_invalid_line_changes_nothing(system: System) -> None:
    with pytest.raises(InvalidFile, match="line 4: "):
        run(system, "-", "--name", "old", stdin=f"{OLD}b,-1,0,0\n")
    assert totals(system) == {}


def test_import_deletes_leftovers_of_a_crash_first(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> None:
        raise ClickHouseUnavailable("killed")

    with monkeypatch.context() as patch:
        patch.setattr(ImportRepository, "_write_record", die)
        with pytest.raises(ClickHouseUnavailable):
            run(system, "-", "--name", "old", stdin=OLD)
    client = connect(system.clickhouse)
    client.command(f"CREATE TABLE staged_import_{topic_id('old').hex} AS counter_versions")
    client.close()
    run(system, "-", "--name", "old", stdin=f"{HEADER}b,5,0,0\n")
    assert totals(system) == {"b": (5, 0, 0)}

    with monkeypatch.context() as patch:
        patch.setattr(ImportRepository, "_delete_rows", die)
        with pytest.raises(ClickHouseUnavailable):
            run(system, "--remove", "old")
    assert run(system, "--remove", "old").output.startswith("removed old")
    assert totals(system) == {}
    assert not any(name.startswith("staged_import_") for name in tables(system))


def test_import_is_refused_during_rebuild(system: System) -> None:
    staging = f"{system.clickhouse.clickhouse_database}_rebuild"
    client = connect(system.clickhouse)
    client.command(f"CREATE DATABASE {staging}")
    client.command(f"CREATE TABLE {staging}.counter_versions AS counter_versions")
    with pytest.raises(ClickHouseUnavailable, match="`mostread rebuild` is running"):
        run(system, "-", "--name", "old", stdin=OLD)
    client.command(f"DROP DATABASE {staging} SYNC")
    client.close()
    assert run(system, "-", "--name", "old", stdin=OLD).exit_code == 0


def test_import_of_several_blocks(system: System) -> None:
    rows = "".join(f"article-{n},{n},1,0\n" for n in range(250_001))
    assert "250,001 articles" in run(system, "-", "--name", "many", stdin=HEADER + rows).output
    imported = totals(system)
    assert len(imported) == 250_001
    assert imported["article-250000"] == (250_000, 1, 0)
    run(system, "--remove", "many")
    assert totals(system) == {}


def test_lists_and_audit_include_imports(system: System) -> None:
    worker = system.service("aggregator").wait_ready()
    producer = KafkaProducer(bootstrap_servers=system.kafka.bootstrap_servers, acks="all")
    for article in ("a", "b", "b"):
        event = {"type": "view", "article_id": article, "timestamp": time.time_ns() // 1_000_000}
        producer.send(system.kafka.events_topic, orjson.dumps(event), partition=0).get(30)
    producer.close()
    wait_until(lambda: system.counted() == 3, "all events are counted")
    run(system, "-", "--name", "old", stdin=OLD)
    ranking = system.service("ranking").wait_ready()

    assert listed(ranking.url, "all") == {"a": (1001, 1001), "статья": (7, 7), "b": (2, 2)}
    assert listed(ranking.url, "24h") == {"b": (2, 2), "a": (1, 1001)}
    assert worker.stop() == 0
    checked = CliRunner().invoke(audit, env=system.environment)
    assert checked.exit_code == 0, checked.output
    assert "outside this log: 2 counters with 1,007 lifetime views of import old" in checked.output


@pytest.mark.parametrize(
    "arguments", [[], ["-"], ["-", "--name", "a b"], ["--list", "--remove", "x"], ["-", "--list"]]
)
def test_conflicting_arguments_are_a_usage_error(system: System, arguments: list[str]) -> None:
    assert run(system, *arguments).exit_code == 2
