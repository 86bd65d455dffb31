"""The ClickHouse engine as the only replica of a cluster: JSON statements in, JSON results out.

Its Keeper is in memory. Even with a real ZooKeeper, a replica of the embedded engine cannot become
active, since it has no port for other servers (`is_readonly` stays 1, and inserts into replicated
tables are refused), and ON CLUSTER needs the server's DDL queue. So tests can verify that tables
are created and statements accepted, but not replication.
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
        results = []
        for statement in json.load(sys.stdin):
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
