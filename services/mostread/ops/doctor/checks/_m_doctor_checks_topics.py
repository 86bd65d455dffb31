"""Are the three topics there, and such that counting is exact?"""

from collections.abc import Iterator
from typing import Any

from mostread.ops.doctor.findings import Finding, forbidden, ok, problem, warning
from mostread.core.counting.dedup import MEMORY_MS
from mostread.cli.init import InitSettings
from mostread.infra.kafka.topics import DAY_MS, configs, configurations, unfit
from mostread.ops.inspection.clients import Way

UNKNOWN = 3


def topics(way: Way) -> Iterator[Finding]:
    """Those that are missing, and settings that `mostread init` would refuse."""
    wanted = wanted_topics(way.settings(InitSettings))
    with way.kafka() as client:
        described = {each["name"]: each["error_code"] for each in client.describe_topics([*wanted])}
        actual = configs(client, wanted)
    missing = [name for name in wanted if described.get(name) == UNKNOWN]
    for name in missing:
        yield problem(f"there is no topic {name}", "`mostread init` creates it.")
    bad = list(unfit(wanted, actual))
    for found in bad:
        yield problem(found.what, _sentence(found.advice))
    if unseen := [name for name in wanted if name not in missing and not actual.get(name)]:
        yield forbidden(f"DESCRIBE_CONFIGS on {', '.join(unseen)}")
    elif not missing and not bad:
        yield ok(f"{', '.join(wanted)} are there, and stamped by the broker (LogAppendTime)")


def retention(way: Way) -> Iterator[Finding]:
    """Events must stay in the log for longer than nothing may be counted."""
    settings = way.settings(InitSettings)
    name = settings.events_topic
    with way.kafka() as client:
        entries = configs(client, [name]).get(name)
    if not entries:
        return  # the check of topics says why
    kept, alter = int(entries["retention.ms"]), f"kafka-configs.sh --alter --topic {name}"
    wanted = settings.init_retention_days * DAY_MS
    longer = f"Keep them longer: {alter} --add-config retention.ms={wanted}"
    if 0 <= kept < 2 * MEMORY_MS:
        yield problem(
            f"events stay in {name} for {_span(kept)}: a worker that starts cannot read again "
            f"the {MEMORY_MS // 60_000} minutes in which it knows duplicates",
            longer,
        )
    elif 0 <= kept < DAY_MS:
        yield warning(
            f"events stay in {name} for {_span(kept)}: what is not counted by then is lost",
            longer,
        )
    elif 0 <= kept < wanted:
        yield warning(
            f"events stay in {name} for {_span(kept)}, and MOSTREAD_INIT_RETENTION_DAYS says "
            f"{settings.init_retention_days} days; `mostread init` changes no topic that exists",
            longer,
        )
    else:
        yield ok(f"events stay in {name} {'for ever' if kept < 0 else f'for {_span(kept)}'}")
    if int(entries["retention.bytes"]) >= 0:
        yield warning(
            f"{name} is cut at {int(entries['retention.bytes']):,} bytes a partition, however "
            "young or uncounted what goes is",
            f"Let time alone decide: {alter} --delete-config retention.bytes",
        )


def wanted_topics(settings: InitSettings) -> dict[str, dict[str, Any]]:
    """Return the topics as `mostread init` would make them."""
    return configurations(
        settings,
        partitions=settings.init_partitions,
        replication=settings.init_replication,
        retention_days=settings.init_retention_days,
    )


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _span(ms: int) -> str:
    for unit, size in (("days", DAY_MS), ("hours", 3_600_000), ("minutes", 60_000)):
        if ms >= 2 * size:
            return f"{ms / size:.3g} {unit}"
    return f"{ms / 1000:g} seconds"
