"""`mostread backup` and `restore` on Kafka and ClickHouse."""

import functools
import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path

import orjson
import pytest
from kafka import KafkaProducer

from mostread.aggregator.repository import CounterRepository
from mostread.core.editorial.articles import article_key
from mostread.errors import StaleEpoch
from mostread.infra.clickhouse.client import connect
from mostread.infra.kafka import topics
from mostread.infra.schemas import migrations
from mostread.ops.backup.archive import backups
from tests.faults.log import produce, topic_of
from tests.faults.verdict import against_recount, audit, is_counted
from tests.support.repeating import repeating
from tests.support.servers import running_clickhouse, running_kafka
from tests.support.system import Service, System, wait_until


def mostread(system: System, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mostread", *arguments],
        env={**os.environ, **system.environment},
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )


def done(ran: subprocess.CompletedProcess[str]) -> str:
    assert ran.returncode == 0, ran.stderr + ran.stdout
    return ran.stdout


def refused(ran: subprocess.CompletedProcess[str]) -> str:
    assert ran.returncode == 1, ran.stderr + ran.stdout
    assert "Traceback" not in ran.stderr
    return ran.stderr


def views(count: int, start: int = 0) -> list[tuple[str | None, bytes | None]]:
    return [
        (f"a-{n % 50}", orjson.dumps({"type": "view", "article_id": f"a-{n % 50}", "id": f"e-{n}"}))
        for n in range(start, start + count)
    ]


@contextmanager
def events(system: System) -> Iterator[None]:
    """Send views while the block runs, some of them twice."""
    numbers = count(1_000_000, 100)

    def send() -> None:
        number = next(numbers)
        produce(system, [*views(100, number), *views(5, number)])

    with repeating(send, pause=0.01):
        yield


def publish_article(system: System, title: str) -> None:
    producer = KafkaProducer(bootstrap_servers=system.kafka.bootstrap_servers, acks="all")
    value = orjson.dumps({"article_id": "a-1", "title": title})
    key = article_key("default", "a-1")
    producer.send(system.kafka.articles_topic, key=key, value=value).get(30)
    producer.close()


def database(system: System) -> str:
    return system.clickhouse.clickhouse_database


def query(system: System, sql: str) -> list[tuple[object, ...]]:
    with closing(connect(system.clickhouse, database="default")) as client:
        rows: list[tuple[object, ...]] = client.query(
            sql.replace("DB.", f"{database(system)}.")
        ).result_rows
    return rows


def titles(system: System) -> list[object]:
    return [row[0] for row in query(system, "SELECT title FROM DB.article_versions FINAL")]


def drop_everything(system: System) -> None:
    with closing(connect(system.clickhouse, database="default")) as client:
        client.command(f"DROP DATABASE {system.clickhouse.clickhouse_database} SYNC")


def members(system: System) -> int:
    group = system.environment["MOSTREAD_AGGREGATOR_GROUP"]
    with topics.admin(system.kafka) as admin:
        return len(admin.describe_groups([group])[group]["members"])


def test_backup_during_traffic_and_the_rest_of_the_log_restore_everything(
    system: System, tmp_path: Path
) -> None:
    workers = [system.service("aggregator").wait_ready() for _ in range(2)]
    publish_article(system, "First")
    produce(system, views(500))
    wait_until(
        lambda: titles(system) == ["First"] and is_counted(system), "the first views are counted"
    )
    folder = str(tmp_path / "backup")
    with events(system):
        done(mostread(system, "backup", "create", folder))
        proved = done(mostread(system, "backup", "verify", folder))
    assert "no differences" in proved
    assert "the backup can be restored" in proved
    # From here on, offsets committed to Kafka are ahead of the backup.
    produce(system, views(400, 500))
    publish_article(system, "Second")
    wait_until(lambda: titles(system) == ["Second"] and is_counted(system), "all views are counted")

    assert "2 aggregators run" in refused(mostread(system, "restore", folder))
    # One is suspended during the restore, with counters of the dropped tables.
    store = CounterRepository(functools.partial(connect, system.clickhouse))
    epoch = store.current_epoch(topic_of(system))
    checkpoints = store.checkpoints(epoch)
    os.kill(workers[0].pid, signal.SIGSTOP)
    assert workers[1].stop() == 0
    produce(system, views(300, 900))
    wait_until(lambda: members(system) == 0, "the group is empty")
    assert "has" in (error := refused(mostread(system, "restore", folder))), error
    assert "drop the database" in error
    drop_everything(system)
    assert "run `mostread init`" in refused(mostread(system, "restore", folder))
    done(mostread(system, "init"))
    assert "start the aggregators" in done(mostread(system, "restore", folder))
    assert titles(system) == ["First"]
    # Its checkpoint, written when it resumes, would skip everything since the backup.
    with pytest.raises(StaleEpoch):
        store.write_checkpoints(epoch, list(checkpoints.values()))
    store.close()
    os.kill(workers[0].pid, signal.SIGCONT)
    workers[1].start()
    wait_until(lambda: titles(system) == ["Second"], "articles since the backup are read again")
    against_recount(system)
    # The views, which are not in the backup, read the restored tables.
    assert query(system, "SELECT title FROM DB.articles") == [("Second",)]
    assert query(system, "SELECT count() FROM DB.totals WHERE article_id LIKE 'a-%'") == [(50,)]
    code, output = audit(system)
    assert code == 0, output
    workers[1].wait_ready()  # a process still starting would end by the signal
    assert all(worker.stop() == 0 for worker in workers)


def fill(system: System) -> dict[str, list[tuple[object, ...]]]:
    """Write a row to every table of the migrations; return the rows by table."""
    sql = "".join(path.read_text() for path in migrations())
    for table in re.findall(r"CREATE TABLE IF NOT EXISTS (\w+)", sql):
        columns = query(
            system,
            "SELECT name, replaceAll(type, '\\'', '\\\\\\'') FROM system.columns"
            f" WHERE database || '.' = 'DB.' AND table = '{table}' AND name != 'epoch'",
        )
        values = [
            "now()" if str(kind).startswith("DateTime") else f"defaultValueOfTypeName('{kind}')"
            for _, kind in columns
        ]
        names = ", ".join(str(name) for name, _ in columns)
        query(system, f"INSERT INTO DB.{table} ({names}) SELECT {', '.join(values)}")
    return rows(system)


def rows(system: System) -> dict[str, list[tuple[object, ...]]]:
    tables = query(
        system,
        "SELECT name FROM system.tables WHERE database || '.' = 'DB.' AND engine LIKE '%MergeTree'"
        " AND name != 'schema_migrations'",
    )
    return {
        str(name): query(system, f"SELECT * EXCEPT epoch FROM DB.{name} FINAL")
        for (name,) in tables
    }


def test_backup_has_every_table(system: System, tmp_path: Path) -> None:
    before = fill(system)
    assert {len(each) for each in before.values()} == {1}
    done(mostread(system, "backup", "create", str(tmp_path)))
    proved = done(mostread(system, "backup", "verify", str(tmp_path)))
    assert f"restored {len(before)} rows into {len(before)} tables" in proved
    drop_everything(system)
    done(mostread(system, "init"))
    done(mostread(system, "restore", str(tmp_path)))
    assert rows(system) == before


def test_verification_finds_what_is_wrong_and_leaves_nothing(
    system: System, tmp_path: Path
) -> None:
    worker = system.service("aggregator").wait_ready()
    produce(system, views(100))
    wait_until(lambda: is_counted(system), "all views are counted")
    assert worker.stop() == 0
    metrics = tmp_path / "backup.prom"
    folder = str(tmp_path / "backups")
    done(mostread(system, "backup", "create", folder, "--textfile", str(metrics)))
    (good,) = backups(Path(folder))
    (created_at,) = re.findall(
        r"^mostread_backup_created.* (\S+)$", metrics.read_text(), re.MULTILINE
    )
    assert int(float(created_at)) == int(good.created_at.timestamp())

    query(system, "CREATE DATABASE DB_verify".replace("DB", database(system)))
    assert "add --discard" in refused(mostread(system, "backup", "verify", folder))
    nowhere = System("127.0.0.1:9", system.clickhouse.clickhouse_url, database(system), tmp_path)
    proved = done(mostread(nowhere, "backup", "verify", folder, "--discard"))
    assert "not compared with the log, since no Kafka broker responds" in proved

    columns = "topic_id, partition, version, site, grain, window, article_id"
    query(
        system,
        f"INSERT INTO DB.counter_versions ({columns}, views) SELECT {columns}, views + 1"
        " FROM DB.counter_versions FINAL WHERE grain = 'total' ORDER BY article_id LIMIT 1",
    )
    wrong = mostread(system, "backup", "create", folder, "--verify", "--keep", "last=1")
    assert wrong.returncode == 1
    assert "differences: 1" in wrong.stdout
    assert good in backups(Path(folder)), "nothing is removed before the new backup is verified"
    query(system, "INSERT INTO DB.checkpoint_versions (partition, received) VALUES (9, 1)")
    done(mostread(system, "backup", "create", folder, "--keep", "last=1"))
    (newest,) = backups(Path(folder))
    error = refused(mostread(system, "backup", "verify", str(newest.path)))
    assert "1 rows contradict: received = counted" in error
    file = min(newest.path.glob("counter_versions.*.gz"))
    file.write_bytes(file.read_bytes()[:-1])
    for command in (["backup", "verify"], ["restore"]):
        error = refused(mostread(system, *command, folder))
        assert f"{file} does not have its checksum" in error
    assert (
        query(system, f"SELECT name FROM system.databases WHERE name LIKE '{database(system)}_%'")
        == []
    )


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[tuple[str, str]]:
    """Start another Kafka and another ClickHouse."""
    with (
        running_kafka(tmp_path / "kafka") as kafka,
        running_clickhouse(tmp_path / "clickhouse") as clickhouse,
    ):
        yield kafka.brokers, clickhouse.url


def listed(service: Service) -> int:
    with urllib.request.urlopen(f"{service.url}/v1/most-read?window=all&limit=100") as answer:
        return sum(item["total"]["views"] for item in orjson.loads(answer.read())["items"])


def test_restore_into_another_kafka_and_clickhouse(
    system: System, elsewhere: tuple[str, str], tmp_path: Path
) -> None:
    brokers, url = elsewhere
    totals = tmp_path / "totals.csv"
    totals.write_text("article_id,views,comments,likes\na-1,1000,0,0\n")
    done(mostread(system, "import-totals", str(totals), "--name", "earlier"))
    worker = system.service("aggregator").wait_ready()
    publish_article(system, "Moved")
    produce(system, views(500))
    wait_until(lambda: titles(system) == ["Moved"] and is_counted(system), "all views are counted")
    assert worker.stop() == 0
    folder = str(tmp_path / "backup")
    done(mostread(system, "backup", "create", folder))

    new = System(brokers, url, system.clickhouse.clickhouse_database, tmp_path)
    try:
        done(mostread(new, "init"))
        done(mostread(new, "restore", folder))
        worker = new.service("aggregator").wait_ready()
        produce(new, views(200, 500))
        wait_until(lambda: is_counted(new), "views in the new Kafka are counted")
        assert listed(new.service("ranking").wait_ready()) == 1700
        assert titles(new) == ["Moved"]
        assert "earlier" in done(mostread(new, "import-totals", "--list"))
        code, output = audit(new)
        assert code == 0, output
        done(mostread(new, "import-totals", "--remove", "earlier"))
        done(mostread(new, "rebuild"))
        assert listed(new.service("ranking").wait_ready()) == 700
        wait_until(
            lambda: b"restarting" in worker.log.read_bytes(), "the worker notices the rebuild"
        )
        worker.wait_ready()
        assert worker.stop() == 0
    finally:
        new.end()
