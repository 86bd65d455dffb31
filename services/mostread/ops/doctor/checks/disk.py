"""Checks for free disk space."""

import shutil
from collections.abc import Iterator
from typing import NamedTuple

from mostread.infra.kafka.config import KafkaSettings
from mostread.ops.doctor.findings import Finding, access_denied, ok, problem, warning
from mostread.ops.inspection.clients import SystemClients

GB = 1_000_000_000


class DiskUsage(NamedTuple):
    """Free and total bytes of a disk."""

    label: str
    free: int
    total: int


def clickhouse_disk(clients: SystemClients) -> Iterator[Finding]:
    """Check the local disks of the ClickHouse server that responds."""
    for name, path, free, total in clients.query("disks"):
        yield check_disk(DiskUsage(f"ClickHouse's disk {name} ({path})", free, total))


def kafka_disk(clients: SystemClients) -> Iterator[Finding]:
    """Check each log directory of each broker."""
    settings = clients.settings(KafkaSettings)
    own = {settings.events_topic, settings.articles_topic, settings.dead_letters_topic}
    with clients.kafka() as client:
        # Naming a topic that does not exist would be an error.
        names = sorted(own & set(client.list_topics()))
        brokers = client.describe_log_dirs(topic_partitions=names)
    if not any(broker["log_dirs"] for broker in brokers):
        yield access_denied("DESCRIBE on Kafka's cluster")
    for broker in brokers:
        for directory in broker["log_dirs"]:
            size = sum(
                partition["partition_size"]
                for topic in directory["topics"]
                if topic["name"] in own
                for partition in topic["partitions"]
            )
            label = f"broker {broker['broker']}, {directory['log_dir']}"
            if directory["error_code"] != 0:
                yield problem(
                    f"{label} is offline (error {directory['error_code']})",
                    "Check the broker's log: the disk is broken, full or not mounted.",
                )
            elif directory.get("total_bytes", -1) > 0:
                label = f"{label}, with {_format_bytes(size)} of mostread's topics"
                yield check_disk(
                    DiskUsage(label, directory["usable_bytes"], directory["total_bytes"])
                )
            else:
                yield ok(
                    f"{label}: {_format_bytes(size)} of mostread's topics; the broker does not "
                    "report free space"
                )


def data_disk(clients: SystemClients) -> Iterator[Finding]:
    """Check the data directory of the development stack, if one runs."""
    if clients.data is not None:
        usage = shutil.disk_usage(clients.data)
        yield check_disk(DiskUsage(f"data directory {clients.data}", usage.free, usage.total))


def check_disk(disk: DiskUsage) -> Finding:
    """Return a finding by free space.

    A warning below 10 % if that is under 50 GB; a problem below 3 % or 0.5 GB.
    """
    free_share = disk.free / disk.total
    message = f"{disk.label}: {_format_bytes(disk.free)} of {_format_bytes(disk.total)} free"
    advice = (
        "Free space or enlarge the disk: on a full one the collector answers 503 or counting "
        "stops. Events are retained for MOSTREAD_INIT_RETENTION_DAYS; ClickHouse deletes minutes "
        "and hours by TTL."
    )
    if free_share < 0.03 or disk.free < GB / 2:
        return problem(message, advice)
    if free_share < 0.10 and disk.free < 50 * GB:
        return warning(message, advice)
    return ok(message)


def _format_bytes(number: int) -> str:
    for unit, size in (("TB", 1000 * GB), ("GB", GB), ("MB", 1_000_000), ("kB", 1000)):
        if number >= size:
            return f"{number / size:.3g} {unit}"
    return f"{number} bytes"
