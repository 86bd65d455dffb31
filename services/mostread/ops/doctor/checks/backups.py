"""Check of the age of backups."""

from collections.abc import Iterator
from contextlib import suppress

from kafka.errors import KafkaError

from mostread.infra.kafka.config import KafkaSettings
from mostread.infra.kafka.topics import DAY_MS, describe_configs
from mostread.ops.backup.archive import backups as stored_backups
from mostread.ops.doctor.findings import Finding, ok, problem, warning
from mostread.ops.inspection.clients import DependencyUnavailable, SystemClients

MAX_AGE_MS = DAY_MS * 3 // 2
"""A daily backup is late from this age on."""
_ADVICE = (
    "Run `mostread backup create`, and read the log of its schedule to find out why it did not."
)


def backups(clients: SystemClients) -> Iterator[Finding]:
    """Check that --backups has a recent backup, and Kafka the events since then."""
    folder = clients.backups
    if folder is None:
        return
    stored = stored_backups(folder)
    if not stored:
        yield problem(f"{folder} has no complete backup", _ADVICE)
        return
    age_ms = clients.now_ms() - int(stored[-1].created_at.timestamp() * 1000)
    message = f"the newest backup, {stored[-1].path.name}, is {_format_age(age_ms)} old"
    yield ok(message) if age_ms <= MAX_AGE_MS else warning(message, _ADVICE)
    topic = clients.settings(KafkaSettings).events_topic
    retention_ms = -1
    with suppress(DependencyUnavailable, KafkaError), clients.kafka() as client:
        configs = describe_configs(client, [topic]).get(topic, {})
        retention_ms = int(configs.get("retention.ms", -1))
    if 0 <= retention_ms < age_ms:
        yield problem(
            f"{topic} retains events for {_format_age(retention_ms)} only: after a restore of that "
            "backup, events would be missing",
            "Make a backup now, and raise the retention or the frequency of backups.",
        )


def _format_age(milliseconds: int) -> str:
    hours = milliseconds // 3_600_000
    return f"{hours // 24} days" if hours >= 48 else f"{hours} h"
