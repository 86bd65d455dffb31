"""The ClickHouse engine as a replica of a cluster of one: statements in, answers out, as JSON.

Keeper is the engine's own, in memory. The embedded engine cannot, with a real ZooKeeper
neither: let a replica become active, since it has no port between servers (`is_readonly` stays
1, and inserts into replicated tables are refused); and ON CLUSTER, which needs the server's
queue of DDL. So it holds how tables are made and that statements are understood, not how they
replicate.
"""

import json
import os
import sys
import tempfile
from pathlib import Path

import chdb

CONFIG = """
<clickhouse>
  <zookeeper><implementation>testkeeper</implementation></zookeeper>
  <macros><shard>1</shard><replica>one</replica></macros>
  <remote_servers>
    <news><shard><replica><host>127.0.0.1</host><port>9000</port></replica></shard></news>
  </remote_servers>
</clickhouse>
"""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "config.xml"
        config.write_text(CONFIG)
        engine = chdb.connect(f"{folder}/data?config-file={config}")
        answers = []
        for statement in json.load(sys.stdin):
            try:
                answers.append(engine.query(statement, "TSVRaw").bytes().decode())
            except Exception as error:
                answers.append(f"refused: {error}")
        sys.stdout.write(json.dumps(answers))
        sys.stdout.flush()
    # Closing would wait for the replica to become active.
    os._exit(0)


if __name__ == "__main__":
    main()
