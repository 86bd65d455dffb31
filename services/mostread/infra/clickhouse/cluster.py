"""The same statements on a cluster: on every replica, into tables that replicate.

One shard, any number of replicas: all counters fit one machine (docs/how-to/scaling.md), replicas
are for the day on which it dies. Tables lie in Keeper under their own UUID, which is the same on
all replicas and stays with a table that is renamed or exchanged; so neither `mostread rebuild`
nor an import needs a path of its own. The servers' macros `shard` and `replica` name the rest.
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
    """Return the DDL statement `sql` as one for all replicas of `cluster`; empty: as it is.

    Raises ValueError for a statement that it does not know.
    """
    if not cluster:
        return sql
    head = _HEAD.match(sql)
    if head is None:
        raise ValueError(f"not known how to run this on a cluster: {sql[:80]}")
    rest = _ENGINE.sub(r"ENGINE = Replicated\1", sql[head.end() :])
    return f"{head[0]} ON CLUSTER '{cluster}'{rest}"


def check_cluster(client: Client, settings: ClickHouseSettings) -> None:
    """Raise Misconfigured unless the cluster that is named has one shard and macros for tables."""
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
        known = f"has {shards} shards" if shards else "is not known to ClickHouse"
        raise Misconfigured(
            f"the cluster {name} {known}; MOSTREAD_CLICKHOUSE_CLUSTER must name one of a single "
            "shard, whose replicas each hold everything (system.clusters lists them)"
        )
    if missing := {"shard", "replica"} - macros:
        raise Misconfigured(
            f"ClickHouse lacks the macros {', '.join(sorted(missing))} (in <macros> of its "
            "configuration, `replica` another on each server), by which replicated tables are named"
        )
