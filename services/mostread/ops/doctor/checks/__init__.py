"""All checks, in the order in which they are told: causes before what follows from them.

To add one, write a function that takes the Way and yields findings, and name it here.
"""

from mostread.ops.doctor.checks.aggregation import counted, workers
from mostread.ops.doctor.checks.clickhouse import clickhouse, tables
from mostread.ops.doctor.checks.clock_skew import clock
from mostread.ops.doctor.checks.disk import data_folder, disk_of_clickhouse, disk_of_kafka
from mostread.ops.doctor.checks.kafka import kafka, replication, retention, topics
from mostread.ops.doctor.checks.services import open_files, services
from mostread.ops.doctor.checks.settings import settings

CHECKS = (
    settings,
    kafka,
    topics,
    retention,
    replication,
    clickhouse,
    tables,
    workers,
    counted,
    services,
    clock,
    disk_of_kafka,
    disk_of_clickhouse,
    data_folder,
    open_files,
)
