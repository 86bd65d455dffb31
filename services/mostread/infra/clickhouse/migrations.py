"""Numbered, forward-only migrations: each runs once, in order, and is recorded."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from clickhouse_connect.driver.client import Client

from mostread.errors import ClickHouseUnavailable, Misconfigured, SchemaTooNew
from mostread.infra.clickhouse.client import connect, translate_errors
from mostread.infra.clickhouse.cluster import check_cluster, on_cluster
from mostread.infra.clickhouse.config import ClickHouseSettings
from mostread.infra.schemas import migrations

CREATE_TABLE = """
CREATE TABLE IF NOT EXISTS schema_migrations
(
    version    UInt32,
    name       String,
    digest     String COMMENT 'SHA-256 of the statements, in hexadecimal',
    applied_at DateTime DEFAULT now()
)
ENGINE = ReplacingMergeTree ORDER BY version
""".strip()

# One row, so that a truncated response never looks like a shorter list of migrations.
_APPLIED = "SELECT arraySort(groupArray((version, name))) FROM schema_migrations FINAL"
_DIGESTS = "SELECT arraySort(groupArray((version, digest))) FROM schema_migrations FINAL"

BREAKING = "_breaking_"
"""Part of the name of a migration that older versions must not run against."""

EDITED = "{} was edited after it was applied, so the tables differ from those of this version"
EDITED_ADVICE = (
    "install a release whose file is unchanged, or make a backup, drop the database, run "
    "`mostread init` and restore the backup"
)


def statements(sql: str) -> list[str]:
    """Split a migration at the semicolons that end a line, without its comments."""
    lines = [line for line in sql.splitlines() if not line.lstrip().startswith("--")]
    return [part.strip() for part in "\n".join(lines).split(";\n") if part.strip(" ;\n")]


def _digest(migration: Path) -> str:
    """Return the SHA-256 of a migration's statements, which ignores its comments."""
    parts = statements(migration.read_text(encoding="utf-8"))
    return hashlib.sha256(";\n".join(part.rstrip(";") for part in parts).encode()).hexdigest()


def migrate(settings: ClickHouseSettings) -> list[str]:
    """Create the database, apply missing migrations and return their names.

    Every statement is idempotent, so an interrupted migration is simply run again, and two
    concurrent runs do no harm. Raises SchemaTooNew if the database has migrations unknown to
    this version, and Misconfigured if an applied migration was edited or the cluster cannot hold
    the tables.
    """
    server = connect(settings, database="default")
    try:
        check_cluster(server, settings)
        database = f"CREATE DATABASE IF NOT EXISTS {settings.clickhouse_database}"
        with translate_errors():
            server.command(on_cluster(database, settings.clickhouse_cluster))
    finally:
        server.close()
    client = connect(settings)
    try:
        with translate_errors():
            return _apply(client, settings.clickhouse_cluster)
    finally:
        client.close()


def _apply(client: Client, cluster: str) -> list[str]:
    client.command(on_cluster(CREATE_TABLE, cluster))
    applied = applied_migrations(client)
    known = {int(path.name[:4]): path for path in migrations()}
    if unknown := sorted(applied.keys() - known.keys()):
        raise SchemaTooNew(
            f"the database has migration {unknown[-1]}, which this mostread does not know; "
            "run the version that created it, or a newer one"
        )
    if edited := edited_migrations(client):
        raise Misconfigured(f"{EDITED.format(edited[0])}; {EDITED_ADVICE}")
    names = []
    for version, path in sorted(known.items()):
        if version in applied:
            continue
        for statement in statements(path.read_text(encoding="utf-8")):
            client.command(on_cluster(statement, cluster))
        client.insert(
            "schema_migrations",
            [[version, path.stem, _digest(path)]],
            column_names=["version", "name", "digest"],
        )
        names.append(path.stem)
    return names


def applied_migrations(client: Client) -> dict[int, str]:
    """Return the names of the migrations in a client's database, by number.

    Raises ClickHouseUnavailable, and Misconfigured before the first `mostread init`.
    """
    return _by_number(client, _APPLIED)


def edited_migrations(client: Client) -> list[str]:
    """Return the names of migrations whose statements changed after they were applied.

    Raises as `applied_migrations`.
    """
    applied = _by_number(client, _DIGESTS)
    return [
        path.stem
        for path in migrations()
        if (number := int(path.name[:4])) in applied and applied[number] != _digest(path)
    ]


def _by_number(client: Client, sql: str) -> dict[int, str]:
    with translate_errors():
        rows = client.query(sql).result_rows
    if len(rows) != 1:  # a proxy truncated the response
        raise ClickHouseUnavailable("ClickHouse's response was truncated")
    return {int(version): str(value) for version, value in rows[0][0]}


def check_applied(applied: Mapping[int, str]) -> None:
    """Compare the database's migrations with those of this version.

    Raises Misconfigured if one is missing, and SchemaTooNew if a newer version has made a
    breaking one.
    """
    known = {int(path.name[:4]): path.stem for path in migrations()}
    newer = {number: name for number, name in applied.items() if number not in known}
    if breaking := [name for _, name in sorted(newer.items()) if BREAKING in name]:
        raise SchemaTooNew(
            f"a newer mostread changed the database by {breaking[-1]}, and this version would "
            "corrupt it; run the newer one"
        )
    if missing := sorted(known.keys() - applied.keys()):
        raise Misconfigured(
            f"the database lacks migration {known[missing[0]]}; run `mostread init` of this version"
        )
