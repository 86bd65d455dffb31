"""chdb keeps acknowledged rows after a shutdown and after a kill."""

import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

import pytest
from clickhouse_connect.driver.exceptions import ClickHouseError

from tests.support.servers import connect, running_clickhouse


def test_kill_during_inserts_loses_no_acknowledged_row(tmp_path: Path) -> None:
    with running_clickhouse(tmp_path) as server:
        with connect(server) as client:
            client.command("CREATE TABLE t (a UInt64, b String) ENGINE = MergeTree ORDER BY a")
        numbers = count()
        acknowledged: list[int] = []
        for _ in range(2):
            enough = threading.Event()
            target = len(acknowledged) + 20

            def insert(enough: threading.Event = enough, target: int = target) -> None:
                with connect(server) as client:
                    for number in numbers:
                        client.insert("t", [[number, "x" * 500]] * 100, column_names=["a", "b"])
                        acknowledged.append(number)
                        if len(acknowledged) >= target:
                            enough.set()

            with ThreadPoolExecutor(1) as pool:
                inserting = pool.submit(insert)
                assert enough.wait(60)
                server.kill()
                with pytest.raises(ClickHouseError):
                    inserting.result()
            server.start()
            with connect(server) as client:
                kept = dict(client.query("SELECT a, count() FROM t GROUP BY a").result_rows)
            assert {number: kept.get(number) for number in acknowledged} == dict.fromkeys(
                acknowledged, 100
            )


def test_stop_finishes_running_statements_and_keeps_data(tmp_path: Path) -> None:
    with running_clickhouse(tmp_path) as server:
        with connect(server) as client:
            client.command("CREATE TABLE t (a UInt64) ENGINE = MergeTree ORDER BY a")
            with ThreadPoolExecutor(1) as pool, connect(server) as watcher:
                inserting = pool.submit(
                    client.command,
                    "INSERT INTO t SELECT number + sleepEachRow(0.05) FROM numbers(20) "
                    "SETTINGS max_block_size = 1",
                )
                running = "SELECT count() FROM system.processes WHERE query LIKE 'INSERT INTO t%'"
                while watcher.command(running) == 0:
                    assert not inserting.done()
                process = server._process
                assert process is not None
                process.send_signal(signal.SIGTERM)
                inserting.result()
                assert process.wait(60) == 0
        server.start()
        with connect(server) as client:
            assert client.command("SELECT count() FROM t") == 20
