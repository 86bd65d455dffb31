"""Checks that ClickHouse responds and has the tables of this version."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from mostread.core.exclusions import PENDING, in_effect
from mostread.errors import Misconfigured
from mostread.infra.clickhouse.config import ClickHouseSettings
from mostread.infra.clickhouse.migrations import BREAKING, EDITED, EDITED_ADVICE
from mostread.infra.schemas import migrations
from mostread.ops.doctor.findings import Finding, access_denied, ok, problem, warning
from mostread.ops.inspection.clients import (
    AccessDenied,
    DependencyUnavailable,
    SystemClients,
    clickhouse_error_code,
)

_UNKNOWN_TABLE_CODE = "60"
_CREATED = re.compile(r"^CREATE (TABLE|VIEW) IF NOT EXISTS (\w+)", re.MULTILINE)


def clickhouse(clients: SystemClients) -> Iterator[Finding]:
    """Check that ClickHouse responds, accepts the user and has the database."""
    try:
        ((version, user, database),) = clients.query("server")
    except DependencyUnavailable as error:
        if error.dependency != "ClickHouse":
            raise
        url = clients.settings(ClickHouseSettings).clickhouse_url
        if isinstance(error.cause, Misconfigured):
            yield problem(f"{url}: {error.cause}", "Correct it, then run the doctor again.")
        else:
            yield problem(
                f"{url}: {error.cause}",
                "Check that ClickHouse runs and is reachable from here (`mostread up` starts it on "
                "this machine), and that MOSTREAD_CLICKHOUSE_URL is its address.",
            )
        return
    url = clients.settings(ClickHouseSettings).clickhouse_url
    yield ok(f"ClickHouse {version} responds at {url}, as user {user}, database {database}")


def tables(clients: SystemClients) -> Iterator[Finding]:
    """Check that all migrations are applied, and that tables exist and accept rows."""
    existing = {row[0] for row in clients.query("tables")}
    applied = _applied_migrations(clients)
    files = {int(path.name[:4]): path for path in migrations()}
    findings = [
        *_newer_migrations(applied, files),
        *_missing_migrations(applied, files),
        *_edited_migrations(clients, applied),
        *_missing_tables(clients, applied, files, existing),
    ]
    if {"counter_versions", "checkpoint_versions"} <= existing:
        findings += _interrupted_rebuild(clients)
    if "exclusions" in existing:
        findings += _pending_exclusions(clients)
    findings += _readonly_replicas(clients)
    yield from findings
    if not findings:
        yield ok(f"all {len(files)} migrations are applied, and all tables exist")


def _newer_migrations(applied: Mapping[int, str], files: Mapping[int, Path]) -> Iterator[Finding]:
    newer = [applied[number] for number in sorted(applied.keys() - files.keys())]
    if breaking := [name for name in newer if BREAKING in name]:
        yield problem(
            f"the database has migration {breaking[-1]}, with which this version would do damage",
            "A newer mostread applied it: run that version, here and for all services.",
        )
    elif newer:
        yield warning(
            f"the database has migration {newer[-1]}, which this version does not know",
            "A newer mostread applied it, and this version is compatible: finish the upgrade. "
            "`mostread init` of this version refuses to run.",
        )


def _missing_migrations(applied: Mapping[int, str], files: Mapping[int, Path]) -> Iterator[Finding]:
    if missing := sorted(files.keys() - applied.keys()):
        names = ", ".join(files[number].stem for number in missing)
        yield problem(
            f"the database lacks {names if applied else 'every migration'}",
            "Run `mostread init` before the services of this version.",
        )


def _edited_migrations(clients: SystemClients, applied: Mapping[int, str]) -> Iterator[Finding]:
    for name in clients.edited_migrations() if applied else ():
        yield problem(EDITED.format(name), f"{EDITED_ADVICE[0].upper()}{EDITED_ADVICE[1:]}.")


def _missing_tables(
    clients: SystemClients,
    applied: Mapping[int, str],
    files: Mapping[int, Path],
    existing: set[str],
) -> Iterator[Finding]:
    created = {
        name: kind
        for number in files.keys() & applied.keys()
        for kind, name in _CREATED.findall(files[number].read_text(encoding="utf-8"))
    }
    missing, denied = _missing_or_denied(clients, sorted(created.keys() - existing))
    if denied:
        yield access_denied(f"SELECT on {', '.join(denied)}")
    if tables := [name for name in missing if created[name] == "TABLE"]:
        yield problem(
            f"a table of an applied migration does not exist: {', '.join(tables)}",
            "Restore it from a backup. Once the table exists, `mostread rebuild` can recount "
            "counters from the log.",
        )
    if views := [name for name in missing if created[name] == "VIEW"]:
        yield warning(
            f"a view of an applied migration does not exist: {', '.join(views)}",
            "Run its statement in schemas/clickhouse again. Counting and lists do not need it.",
        )


def _applied_migrations(clients: SystemClients) -> dict[int, str]:
    try:
        return clients.applied_migrations()
    except Misconfigured as error:
        if clickhouse_error_code(error) == _UNKNOWN_TABLE_CODE:
            return {}
        raise


def _missing_or_denied(clients: SystemClients, unlisted: list[str]) -> tuple[list[str], list[str]]:
    """Split unlisted tables into those that do not exist and those without access."""
    missing, denied = [], []
    for table in unlisted:
        try:
            clients.query("table_exists", table=table)
        except AccessDenied:
            denied.append(table)
        except Misconfigured as error:
            if clickhouse_error_code(error) != _UNKNOWN_TABLE_CODE:
                raise
            missing.append(table)
    return missing, denied


def _interrupted_rebuild(clients: SystemClients) -> Iterator[Finding]:
    epochs = {expression for _, expression in clients.query("epochs")}
    if len(epochs) > 1:
        yield problem(
            "`mostread rebuild` was interrupted during the exchange of tables; nothing is counted",
            "Run `mostread rebuild` again to finish the exchange.",
        )


def _pending_exclusions(clients: SystemClients) -> Iterator[Finding]:
    entries = clients.exclusions()
    pending = set(in_effect(entries, PENDING)) ^ set(in_effect(entries, PENDING - 1))
    if pending:
        yield warning(
            f"exclusions that no rebuild has applied: {', '.join(sorted(e.id for e in pending))}",
            "Run `mostread rebuild`; `mostread exclude list` describes them.",
        )


def _readonly_replicas(clients: SystemClients) -> Iterator[Finding]:
    try:
        names = [row[0] for row in clients.query("readonly_replicas")]
    except AccessDenied:
        return  # optional: ClickHouse's own monitoring covers it
    if names:
        yield problem(
            f"replicated tables are read-only: {', '.join(names)}",
            "This replica lost ClickHouse Keeper: check its log and its connection to Keeper.",
        )
