"""Numbered migrations, forward only: each applied once, in order, and remembered."""

from collections.abc import Iterable

from clickhouse_connect.driver.client import Client

from mostread.errors import Misconfigured, SchemaTooNew
from mostread.infra.clickhouse.client import connect, translate_errors
from mostread.infra.clickhouse.cluster import check_cluster, on_cluster
from mostread.infra.clickhouse.config import ClickHouseSettings
from mostread.infra.schemas import migrations

REMEMBERED = """
CREATE TABLE IF NOT EXISTS schema_migrations
    (version UInt32, name String, applied_at DateTime DEFAULT now())
ENGINE = ReplacingMergeTree ORDER BY version
""".strip()


def statements(sql: str) -> list[str]:
    """Split a migration at the semicolons that end a line, comments left out."""
    lines = [line for line in sql.splitlines() if not line.lstrip().startswith("--")]
    return [part.strip() for part in "\n".join(lines).split(";\n") if part.strip(" ;\n")]


def migrate(settings: ClickHouseSettings) -> list[str]:
    """Create the database and apply what is missing; return the names applied.

    Every statement can be run again, so a migration that was cut off is repeated whole, and
    two at once do no harm. Raises SchemaTooNew where the database knows more migrations than
    this version, and Misconfigured where the cluster is none to make tables on.
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
    client.command(on_cluster(REMEMBERED, cluster))
    applied = {row[0] for row in client.query("SELECT version FROM schema_migrations").result_rows}
    known = {int(path.name[:4]): path for path in migrations()}
    if unknown := sorted(applied - known.keys()):
        raise SchemaTooNew(
            f"the database has migration {unknown[-1]}, which this mostread does not know; "
            "run the version that made it, or a newer one"
        )
    done = []
    for version, path in sorted(known.items()):
        if version in applied:
            continue
        for statement in statements(path.read_text(encoding="utf-8")):
            client.command(on_cluster(statement, cluster))
        client.insert("schema_migrations", [[version, path.stem]], column_names=["version", "name"])
        done.append(path.stem)
    return done


BREAKING = "_breaking_"


def check_applied(applied: Iterable[tuple[int, str]]) -> None:
    """Hold the migrations that were applied, by number and name, against those of this code.

    Raises Misconfigured where one is missing, and SchemaTooNew where this code is too old.
    """
    names = dict(applied)
    known = {int(path.name[:4]): path.stem for path in migrations()}
    newer = {number: name for number, name in names.items() if number not in known}
    if broken := [name for _, name in sorted(newer.items()) if BREAKING in name]:
        raise SchemaTooNew(
            f"the database was changed by {broken[-1]} for a newer mostread, and this one would "
            "do harm to it; run the newer one"
        )
    if missing := sorted(known.keys() - names.keys()):
        raise Misconfigured(
            f"the database lacks migration {known[missing[0]]}; run `mostread init` of this version"
        )
