"""The ClickHouse engine in a process of its own, with a configuration: statements in, results out.

With `CLUSTER` it is the only replica of a cluster, whose Keeper is in memory. Even with a real
ZooKeeper, a replica of the embedded engine cannot become active, since it has no port for other
servers (`is_readonly` stays 1, and inserts into replicated tables are refused), and ON CLUSTER
needs the server's DDL queue. So tests can verify that tables are created and statements accepted,
but not replication.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

CLUSTER = """
<clickhouse>
  <zookeeper><implementation>testkeeper</implementation></zookeeper>
  <macros><shard>1</shard><replica>one</replica></macros>
  <remote_servers>
    <news><shard><replica><host>127.0.0.1</host><port>9000</port></replica></shard></news>
  </remote_servers>
</clickhouse>
"""


def run_engine(statements: Sequence[str], config: str) -> list[str]:
    """Return what the engine answers to each statement; an error begins with `refused: `.

    All statements share one connection, and so its role, database and settings.
    """
    ran = subprocess.run(
        [sys.executable, __file__],
        input=json.dumps({"config": config, "statements": list(statements)}),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    answers: list[str] = json.loads(ran.stdout)
    return answers


def users_config(users: str, directory: Path) -> str:
    """Return a configuration with the users of `users`, in ClickHouse's XML."""
    file = directory / "users.xml"
    file.write_text(users)
    return f"<clickhouse><users_config>{file}</users_config></clickhouse>"


def main() -> None:
    # Imported here, so that only this process opens the engine.
    import chdb  # noqa: PLC0415

    given = json.load(sys.stdin)
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "config.xml"
        config.write_text(given["config"])
        engine = chdb.connect(f"{folder}/data?config-file={config}")
        results = []
        for statement in given["statements"]:
            try:
                results.append(engine.query(statement, "TSVRaw").bytes().decode())
            except Exception as error:
                results.append(f"refused: {error}")
        sys.stdout.write(json.dumps(results))
        sys.stdout.flush()
    # Closing would wait for the replica to become active.
    os._exit(0)


if __name__ == "__main__":
    main()
