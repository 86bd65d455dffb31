"""All checks, causes before consequences.

To add a check, write a function from SystemClients to findings, and list it here.
"""

from mostread.ops.doctor.checks.aggregation import aggregators, articles, progress
from mostread.ops.doctor.checks.backups import backups
from mostread.ops.doctor.checks.clickhouse import clickhouse, tables
from mostread.ops.doctor.checks.clock_skew import clocks
from mostread.ops.doctor.checks.descriptions import descriptions
from mostread.ops.doctor.checks.disk import clickhouse_disk, data_disk, kafka_disk
from mostread.ops.doctor.checks.kafka import kafka, replication, retention, topics
from mostread.ops.doctor.checks.partitioning import partitioning
from mostread.ops.doctor.checks.services import open_files, services
from mostread.ops.doctor.checks.settings import settings
from mostread.ops.doctor.checks.tokens import tokens

CHECKS = (
    settings,
    tokens,
    kafka,
    topics,
    retention,
    replication,
    partitioning,
    clickhouse,
    tables,
    aggregators,
    progress,
    articles,
    descriptions,
    services,
    clocks,
    kafka_disk,
    clickhouse_disk,
    data_disk,
    open_files,
    backups,
)
