"""DDL on a cluster: the same statements on every replica, with replicated tables.

A cluster has one shard and any number of replicas: all counters fit on one machine
(docs/how-to/scaling.md), and the replicas survive its failure. The path of a table in Keeper
contains its UUID, which is the same on all replicas and survives RENAME and EXCHANGE. So neither
`mostread rebuild` nor an import has to name paths. The servers' macros `shard` and `replica`
provide the rest.
"""

import re

from clickhouse_connect.driver.client import Client

from mostread.errors import Misconfigured
from mostread.infra.clickhouse.client import translate_errors
from mostread.infra.clickhouse.config import ClickHouseSettings

_NAME = r"[A-Za-z_][\w.]*"
_HEAD = re.compile(
    rf"(?:CREATE|DROP|ALTER|TRUNCATE)\s+(?:DATABASE|TABLE|VIEW)\s+(?:IF\s+(?:NOT\s+)?EXISTS\s+)?{_NAME}"
    rf"|(?:EXCHANGE|RENAME)\s+TABLES?\s+{_NAME}\s+(?:AND|TO)\s+{_NAME}"
)
_ENGINE = re.compile(r"\bENGINE\s*=\s*((?!Replicated)\w*MergeTree)\b")


def on_cluster(sql: str, cluster: str) -> str:
    """Return a DDL statement for all replicas of `cluster`; unchanged if that is empty.

    Raises ValueError for an unsupported statement.
    """
    if not cluster:
        return sql
    head = _HEAD.match(sql)
    if head is None:
        raise ValueError(f"unsupported statement on a cluster: {sql[:80]}")
    rest = _ENGINE.sub(r"ENGINE = Replicated\1", sql[head.end() :])
    return f"{head[0]} ON CLUSTER '{cluster}'{rest}"


def check_cluster(client: Client, settings: ClickHouseSettings) -> None:
    """Raise Misconfigured unless the configured cluster can hold the tables."""
    name = settings.clickhouse_cluster
    if not name:
        return
    with translate_errors():
        ((shards,),) = client.query(
            "SELECT uniqExact(shard_num) FROM system.clusters WHERE cluster = {name:String}",
            parameters={"name": name},
        ).result_rows
        macros = {row[0] for row in client.query("SELECT macro FROM system.macros").result_rows}
    if shards != 1:
        problem = f"has {shards} shards" if shards else "is unknown to ClickHouse"
        raise Misconfigured(
            f"the cluster {name} {problem}; set MOSTREAD_CLICKHOUSE_CLUSTER to one with a single "
            "shard (system.clusters lists them)"
        )
    if missing := {"shard", "replica"} - macros:
        raise Misconfigured(
            f"ClickHouse lacks the macros {', '.join(sorted(missing))}, which replicated tables "
            "need; add them to <macros> in its configuration, with a different `replica` per server"
        )
