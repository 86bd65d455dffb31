"""Metrics of a backup, in a file for the textfile collector of Prometheus' node exporter."""

from pathlib import Path

from prometheus_client import CollectorRegistry, Gauge, write_to_textfile

from mostread.errors import Misconfigured


class BackupMetrics:
    """The metrics of `mostread backup create --textfile`, registered in `registry`."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.created_at = Gauge(
            "mostread_backup_created_timestamp_seconds",
            "Unix time at which the newest complete backup was started.",
            registry=registry,
        )
        self.size = Gauge("mostread_backup_bytes", "Size of that backup.", registry=registry)
        self.duration = Gauge(
            "mostread_backup_duration_seconds",
            "Time that it took to write that backup.",
            registry=registry,
        )


def write_metrics(path: Path, *, created_at: float, size: int, duration: float) -> None:
    """Replace a file of metrics at once. Raises Misconfigured."""
    registry = CollectorRegistry()
    metrics = BackupMetrics(registry)
    metrics.created_at.set(created_at)
    metrics.size.set(size)
    metrics.duration.set(duration)
    try:
        write_to_textfile(str(path), registry)
    except OSError as error:
        raise Misconfigured(
            f"{path} cannot be written ({error.strerror}); name a file in the folder that the node "
            "exporter reads"
        ) from error
