"""Numbered migrations, forward only: each applied once, in order, and remembered."""

from clickhouse_connect.driver.client import Client

from mostread.clickhouse.client import connect, told_apart
from mostread.clickhouse.settings import ClickHouseSettings
from mostread.errors import SchemaTooNew
from mostread.schemas import migrations

_REMEMBERED = """
CREATE TABLE IF NOT EXISTS schema_migrations
    (version UInt32, name String, applied_at DateTime DEFAULT now())
ENGINE = ReplacingMergeTree ORDER BY version
"""


def statements(sql: str) -> list[str]:
    """Split a migration at the semicolons that end a line, comments left out."""
    lines = [line for line in sql.splitlines() if not line.lstrip().startswith("--")]
    return [part.strip() for part in "\n".join(lines).split(";\n") if part.strip(" ;\n")]


def migrate(settings: ClickHouseSettings) -> list[str]:
    """Create the database and apply what is missing; return the names applied.

    Every statement can be run again, so a migration that was cut off is repeated whole.
    Raises SchemaTooNew where the database knows more migrations than this version.
    """
    server = connect(settings, database="default")
    with told_apart():
        server.command(f"CREATE DATABASE IF NOT EXISTS {settings.clickhouse_database}")
    server.close()
    client = connect(settings)
    try:
        with told_apart():
            return _apply(client)
    finally:
        client.close()


def _apply(client: Client) -> list[str]:
    client.command(_REMEMBERED)
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
            client.command(statement)
        client.insert("schema_migrations", [[version, path.stem]], column_names=["version", "name"])
        done.append(path.stem)
    return done
