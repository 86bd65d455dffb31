"""Disks of Kafka and ClickHouse, and what takes the space on them, as metrics.

Every worker reads them once a minute, in a thread and over connections of its own, so that a server
that hangs delays nothing. Without the rights for it, the metrics are absent.
"""

import asyncio
from contextlib import closing
from pathlib import Path

from mostread.aggregator.config import AggregatorSettings
from mostread.aggregator.metrics import AggregatorMetrics, Disk, Usage
from mostread.errors import Misconfigured
from mostread.infra.clickhouse.client import connect, query_rows
from mostread.infra.kafka.log_dirs import read_log_dirs
from mostread.infra.kafka.topics import connect_admin
from mostread.infra.logging import get_logger

log = get_logger(__name__)

INTERVAL_SECONDS = 60.0
_SQL = Path(__file__).parent / "sql"


class Disks:
    """Measures the disks until its task is cancelled."""

    def __init__(self, settings: AggregatorSettings, metrics: AggregatorMetrics) -> None:
        self._settings = settings
        self._metrics = metrics
        self._readers = {"kafka": self._kafka, "clickhouse": self._clickhouse}
        self._errors: dict[str, str] = {}

    async def run(self) -> None:
        """Measure once a minute."""
        while True:
            for system in self._readers:
                self._metrics.report_disks(system, await asyncio.to_thread(self.read, system))
            await asyncio.sleep(INTERVAL_SECONDS)

    def read(self, system: str) -> Usage:
        """Return the usage of `kafka` or `clickhouse`, empty after an error.

        Errors are logged when they change.
        """
        try:
            usage = self._readers[system]()
        except Exception as error:  # any other answer may come in a minute
            if self._errors.get(system) != str(error):
                self._errors[system] = str(error)
                log.warning("disks_not_measured", system=system, error=str(error))
            return Usage([], {})
        self._errors.pop(system, None)
        return usage

    def _kafka(self) -> Usage:
        settings = self._settings
        with closing(connect_admin(settings)) as client:
            directories = read_log_dirs(client, settings.topic_names)
        if not directories:
            raise Misconfigured(
                "the user may not DESCRIBE Kafka's cluster; deploy/kafka/acls.sh has this right"
            )
        sizes: dict[str, int] = {}
        for directory in directories:
            for topic, size in directory.topics.items():
                sizes[topic] = sizes.get(topic, 0) + size
        disks = [
            Disk(str(each.broker), each.path, each.free, each.total)
            for each in directories
            if each.free is not None and each.total is not None
        ]
        return Usage(disks, sizes)

    def _clickhouse(self) -> Usage:
        with closing(connect(self._settings, read_only=True)) as client:
            disks = [Disk(*row) for row in query_rows(client, _SQL, "disks")]
            sizes = {str(name): size for name, size in query_rows(client, _SQL, "table_sizes")}
        return Usage(disks, sizes)
