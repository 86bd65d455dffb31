"""The statements of docs/how-to/backup.md for ClickHouse's own BACKUP, on the embedded engine."""

import json
import re
import subprocess
import sys
from pathlib import Path

from mostread.infra.clickhouse.migrations import statements
from mostread.infra.schemas import migrations
from mostread.ops.backup.tables import READ_FIRST

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```sql\n(.*?)^```$", re.DOTALL | re.MULTILINE)
STORAGE = re.compile(r"S3\('https://storage\.example/mostread/2026-11-29/(\w+)', 'KEY', 'SECRET'\)")
CONFIG = "<clickhouse><backups><allowed_path>{folder}</allowed_path></backups></clickhouse>"

# An engine of its own: a process has only one, with one configuration.
SCRIPT = """
import json, sys
import chdb
engine = chdb.connect(sys.argv[1])
answers = [engine.query(sql, "JSONCompact").bytes().decode() for sql in json.load(sys.stdin)]
print(json.dumps([json.loads(answer)["data"] if answer else [] for answer in answers]))
"""


def documented(number: int, folder: Path) -> list[str]:
    """Return the statements of a block, with a folder instead of object storage."""
    text = BLOCK.findall((ROOT / "docs/how-to/backup.md").read_text())[number]
    return statements(STORAGE.sub(rf"File('{folder}/\1')", text))


def test_documented_backup_and_restore_keep_every_row(tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    config = tmp_path / "config.xml"
    config.write_text(CONFIG.format(folder=folder))
    schema = [sql for path in migrations() for sql in statements(path.read_text())]
    tables = re.findall(r"CREATE TABLE IF NOT EXISTS (\w+)", "".join(schema))
    count = " UNION ALL ".join(f"SELECT '{table}', count() FROM {table}" for table in tables)
    rows = [
        "INSERT INTO checkpoint_versions (partition) VALUES (1)",
        "INSERT INTO placement_versions (article_id) VALUES ('a')",
        "INSERT INTO counter_versions (window, article_id) VALUES (now(), 'a')",
    ]
    sqls = ["CREATE DATABASE mostread", "USE mostread", *schema, *rows, count]
    sqls += [*documented(0, folder), *documented(1, folder), "USE mostread", count]
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, f"{tmp_path}/data?config-file={config}"],
        input=json.dumps(sqls),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answers = json.loads(done.stdout)
    before = answers[sqls.index(count)]
    assert sum(int(number) for _, number in before) == len(rows)
    assert sorted(answers[-1]) == sorted(before)


def test_documented_backup_reads_first_what_is_written_last(tmp_path: Path) -> None:
    first, then = documented(0, tmp_path)
    assert re.findall(r"TABLE mostread\.(\w+)", first) == list(READ_FIRST)
    assert f"EXCEPT TABLES {', '.join(READ_FIRST)}" in then
