"""DDL as it is sent to a cluster."""

import pytest

from mostread.infra.clickhouse.cluster import on_cluster
from mostread.infra.clickhouse.migrations import CREATE_TABLE, statements
from mostread.infra.schemas import migrations


@pytest.mark.parametrize(
    ("sql", "wanted"),
    [
        (
            "CREATE TABLE IF NOT EXISTS a (b Int8)\nENGINE = ReplacingMergeTree(b) ORDER BY b",
            "CREATE TABLE IF NOT EXISTS a ON CLUSTER 'news' (b Int8)\n"
            "ENGINE = ReplicatedReplacingMergeTree(b) ORDER BY b",
        ),
        (
            "CREATE TABLE a AS b ENGINE=MergeTree ORDER BY x",
            "CREATE TABLE a ON CLUSTER 'news' AS b ENGINE = ReplicatedMergeTree ORDER BY x",
        ),
        (
            "ALTER TABLE d.a ADD COLUMN IF NOT EXISTS c Int8",
            "ALTER TABLE d.a ON CLUSTER 'news' ADD COLUMN IF NOT EXISTS c Int8",
        ),
        ("DROP DATABASE IF EXISTS d SYNC", "DROP DATABASE IF EXISTS d ON CLUSTER 'news' SYNC"),
        ("EXCHANGE TABLES a.b AND c.d", "EXCHANGE TABLES a.b AND c.d ON CLUSTER 'news'"),
    ],
)
def test_on_cluster_sends_statement_to_all_replicas(sql: str, wanted: str) -> None:
    assert on_cluster(sql, "news") == wanted
    assert on_cluster(sql, "") == sql


def test_on_cluster_rejects_unsupported_statement() -> None:
    with pytest.raises(ValueError, match="unsupported statement"):
        on_cluster("OPTIMIZE TABLE a FINAL", "news")


def test_on_cluster_makes_tables_of_migrations_replicate() -> None:
    every = [s for path in migrations() for s in statements(path.read_text())]
    for statement in [CREATE_TABLE, *every]:
        sent = on_cluster(statement, "news")
        assert sent.count("ON CLUSTER 'news'") == 1, sent
        assert sent.count("MergeTree") == sent.count("ENGINE = Replicated"), sent
