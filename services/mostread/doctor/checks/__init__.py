"""All checks, in the order in which they are told: causes before what follows from them.

To add one, write a function that takes the Way and yields findings, and name it here.
"""

from mostread.doctor.checks.clickhouse import clickhouse, tables
from mostread.doctor.checks.clock import clock
from mostread.doctor.checks.counting import counted, workers
from mostread.doctor.checks.disk import data_folder, disk_of_clickhouse, disk_of_kafka
from mostread.doctor.checks.kafka import kafka
from mostread.doctor.checks.open_files import open_files
from mostread.doctor.checks.replication import replication
from mostread.doctor.checks.services import services
from mostread.doctor.checks.settings import settings
from mostread.doctor.checks.topics import retention, topics

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
