"""Checks for free disk space."""

import shutil
from collections.abc import Iterator
from typing import NamedTuple

from mostread.infra.kafka.config import KafkaSettings
from mostread.infra.kafka.log_dirs import read_log_dirs
from mostread.ops.doctor.findings import Finding, access_denied, ok, problem, warning
from mostread.ops.inspection.clients import SystemClients

GB = 1_000_000_000

KAFKA_ADVICE = (
    "Enlarge the disk, or let the broker delete more: on a full one the collector answers 503. "
    "docs/how-to/runbook.md#mostreadkafkadiskfilling has the commands, and what each costs."
)
CLICKHOUSE_ADVICE = (
    "Enlarge the disk, or delete ClickHouse's own logs and what interrupted commands left: on a "
    "full one counting stops. docs/how-to/runbook.md#mostreadclickhousediskfilling has the "
    "commands."
)
DATA_ADVICE = (
    "Free space or enlarge the disk: on a full one the collector answers 503 or counting stops."
)


class DiskUsage(NamedTuple):
    """Free and total bytes of a disk."""

    label: str
    free: int
    total: int


def clickhouse_disk(clients: SystemClients) -> Iterator[Finding]:
    """Check the local disks of the ClickHouse server that responds."""
    for name, path, free, total in clients.query("disks"):
        label = f"ClickHouse's disk {name} ({path})"
        yield check_disk(DiskUsage(label, free, total), CLICKHOUSE_ADVICE)


def kafka_disk(clients: SystemClients) -> Iterator[Finding]:
    """Check each log directory of each broker."""
    own = clients.settings(KafkaSettings).topic_names
    with clients.kafka() as client:
        directories = read_log_dirs(client, own)
    if not directories:
        yield access_denied("DESCRIBE on Kafka's cluster")
    for directory in directories:
        label = f"broker {directory.broker}, {directory.path}"
        size = format_bytes(sum(directory.topics.values()))
        if directory.error != 0:
            yield problem(
                f"{label} is offline (error {directory.error})",
                "Check the broker's log: the disk is broken, full or not mounted.",
            )
        elif directory.free is not None and directory.total is not None:
            label = f"{label}, with {size} of mostread's topics"
            yield check_disk(DiskUsage(label, directory.free, directory.total), KAFKA_ADVICE)
        else:
            yield ok(f"{label}: {size} of mostread's topics; the broker does not report free space")


def data_disk(clients: SystemClients) -> Iterator[Finding]:
    """Check the data directory of the development stack, if one runs."""
    if clients.data is not None:
        usage = shutil.disk_usage(clients.data)
        label = f"data directory {clients.data}"
        yield check_disk(DiskUsage(label, usage.free, usage.total), DATA_ADVICE)


def check_disk(disk: DiskUsage, advice: str) -> Finding:
    """Return a finding by free space, with `advice` unless it is enough.

    A warning below 10 % if that is under 50 GB; a problem below 3 % or 0.5 GB.
    """
    free_share = disk.free / disk.total
    message = f"{disk.label}: {format_bytes(disk.free)} of {format_bytes(disk.total)} free"
    if free_share < 0.03 or disk.free < GB / 2:
        return problem(message, advice)
    if free_share < 0.10 and disk.free < 50 * GB:
        return warning(message, advice)
    return ok(message)


def format_bytes(number: int) -> str:
    for unit, size in (("TB", 1000 * GB), ("GB", GB), ("MB", 1_000_000), ("kB", 1000)):
        if number >= size:
            return f"{number / size:.3g} {unit}"
    return f"{number} bytes"
