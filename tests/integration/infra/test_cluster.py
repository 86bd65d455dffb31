"""MOSTREAD_CLICKHOUSE_CLUSTER, as far as one node can: see tests/support/engine.py."""

from uuid import uuid4

import pytest

from mostread.errors import Misconfigured
from mostread.infra.clickhouse.client import connect
from mostread.infra.clickhouse.cluster import on_cluster
from mostread.infra.clickhouse.migrations import CREATE_TABLE, migrate, statements
from mostread.infra.schemas import migrations
from tests.support import engine
from tests.support.system import System

CLUSTER = "news"
DDL = [
    on_cluster(each, CLUSTER)
    for each in [CREATE_TABLE, *(s for p in migrations() for s in statements(p.read_text()))]
]
REBUILD = [
    "CREATE DATABASE IF NOT EXISTS other",
    "CREATE TABLE other.counter_versions AS counter_versions",
    "ALTER TABLE other.counter_versions DROP CONSTRAINT epoch",
    "ALTER TABLE other.counter_versions ADD CONSTRAINT epoch CHECK epoch = 1",
    "ALTER TABLE other.counter_versions MODIFY COLUMN epoch DEFAULT 1",
    "EXCHANGE TABLES default.counter_versions AND other.counter_versions",
    "DROP TABLE IF EXISTS other.counter_versions SYNC",
    "DROP DATABASE IF EXISTS other SYNC",
]


def here(statement: str) -> str:
    """Return the statement for this server alone, with the UUID that a cluster would assign."""
    uuid = f" UUID '{uuid4()}'" if statement.startswith("CREATE TABLE") else ""
    return statement.replace(f" ON CLUSTER '{CLUSTER}'", uuid)


def test_engine_accepts_cluster_ddl_and_creates_tables() -> None:
    understood = [
        f"EXPLAIN AST {each}" for each in [*DDL, *(on_cluster(r, CLUSTER) for r in REBUILD)]
    ]
    made = [here(each) for each in DDL if each.startswith("CREATE TABLE")]
    views = [here(each) for each in DDL if each.startswith("CREATE VIEW")]
    read = [f"SELECT * FROM {each.split()[5]}" for each in views]
    exchange = [
        "CREATE DATABASE other",
        here(on_cluster("CREATE TABLE other.counter_versions AS counter_versions", CLUSTER)),
        "EXCHANGE TABLES default.counter_versions AND other.counter_versions",
    ]
    shown = [
        "SELECT name, engine_full FROM system.tables"
        " WHERE database = 'default' AND engine != 'View' ORDER BY name",
        "SELECT engine_full FROM system.tables WHERE name = 'counter_versions'",
        "SELECT count() FROM counter_versions FINAL SETTINGS select_sequential_consistency = 1",
        "INSERT INTO checkpoint_versions (partition)"
        " SETTINGS insert_keeper_max_retries = 0 VALUES (1)",
    ]
    before = [*understood, *made, *views, *exchange, *read]
    answers = engine.run_engine([*before, *shown], engine.CLUSTER)
    for sql, answer in zip([*before, *shown[:3]], answers, strict=False):
        assert not answer.startswith("refused"), f"{sql}: {answer}"
    tables, counters, count, insert = answers[-4:]
    assert len(tables.splitlines()) == len(made)
    for line in (*tables.splitlines(), *counters.splitlines()):
        assert "Replicated" in line
        assert "'/clickhouse/tables/{uuid}/{shard}', '{replica}'" in line
    assert len(counters.splitlines()) == 2
    assert count == "0\n"
    # The day the embedded engine can do this, this test can do more.
    assert "TABLE_IS_READ_ONLY" in insert


def test_migrate_rejects_unknown_cluster(system: System) -> None:
    named = system.clickhouse.model_copy(update={"clickhouse_cluster": CLUSTER})
    with pytest.raises(Misconfigured, match="is unknown to ClickHouse"):
        migrate(named)


def test_client_sets_consistency_settings_only_on_cluster(
    system: System,
) -> None:
    named = system.clickhouse.model_copy(update={"clickhouse_cluster": CLUSTER})
    wanted = {
        "insert_quorum": "auto",
        "insert_quorum_parallel": "0",
        "insert_quorum_timeout": "48000",
        "select_sequential_consistency": "1",
        "insert_deduplicate": "0",
    }
    query = (
        "SELECT name, value FROM system.settings WHERE name IN {names:Array(String)} AND changed"
    )
    for settings, expected in ((named, wanted), (system.clickhouse, {})):
        client = connect(settings)
        changed = dict(client.query(query, parameters={"names": list(wanted)}).result_rows)
        client.close()
        assert changed == expected
