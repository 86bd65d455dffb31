"""A stack that runs is known by its own processes."""

import os
import subprocess
import sys
from pathlib import Path

from mostread.devstack.data_dir import DataFolder, Running, running

PLACES = {"MOSTREAD_KAFKA_BROKERS": "k:1", "MOSTREAD_CLICKHOUSE_URL": "http://c:2"}
SLEEP = [sys.executable, "-c", "import sys; print(flush=True); sys.stdin.read()"]


def started(**settings: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        SLEEP,
        env={**os.environ, **PLACES, **settings},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    process.stdout.readline()  # its environment is its own by now
    return process


def test_settings_and_addresses_are_those_of_its_processes(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    assert running(DataFolder(tmp_path / "none")) is None
    with (
        started(MOSTREAD_AGGREGATOR_PORT="31") as first,
        started(MOSTREAD_AGGREGATOR_PORT="32", MOSTREAD_AGGREGATOR_GROUP="g") as second,
        started(MOSTREAD_COLLECTOR_PORT="33") as collector,
    ):
        pids = {
            "kafka": first.pid,
            "aggregator-1": first.pid,
            "aggregator-2": second.pid,
            "collector": collector.pid,
        }
        with folder.held():
            folder.remember(pids)
            stack = running(folder)
            collector.communicate()
            without = running(folder)
        assert running(folder) is None  # nobody holds it: it does not run
        first.communicate()
        second.communicate()
    assert stack
    assert dict(stack.addresses) == {
        "aggregator-1": "http://127.0.0.1:31",
        "aggregator-2": "http://127.0.0.1:32",
        "collector": "http://127.0.0.1:33",
    }
    assert PLACES.items() <= stack.settings.items()
    assert stack.settings["MOSTREAD_AGGREGATOR_GROUP"] == "g"
    assert all(name.startswith("MOSTREAD_") for name in stack.settings)
    assert without
    assert "collector" not in without.addresses


def test_what_the_environment_says_goes_first_and_another_kafka_is_not_mixed_in() -> None:
    stack = Running(Path(), {**PLACES, "MOSTREAD_AGGREGATOR_GROUP": "theirs"}, {})
    ours = {"MOSTREAD_AGGREGATOR_GROUP": "ours"}
    assert stack.adopt(ours)
    assert ours == {**PLACES, "MOSTREAD_AGGREGATOR_GROUP": "ours"}
    other = {"MOSTREAD_KAFKA_BROKERS": "elsewhere:1"}
    assert not stack.adopt(other)
    assert other == {"MOSTREAD_KAFKA_BROKERS": "elsewhere:1"}
