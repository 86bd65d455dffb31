"""`mostread doctor` and `status` where there are TLS, users and rights."""

import json
import re
from typing import Any

import pytest

from tests.support.system import wait_until
from tests.support.tls.secured import CANARY, Secured


def findings(secured: Secured, user: str, **different: str) -> dict[str, list[dict[str, Any]]]:
    done = secured.run(user, "doctor", "--data=/nowhere", "--json", "--seconds=40", **different)
    found: dict[str, list[dict[str, Any]]] = {}
    for each in json.loads(done.stdout)["findings"]:
        found.setdefault(each["check"], []).append(each)
    return found


def levels(found: dict[str, list[dict[str, Any]]], *checks: str) -> set[str]:
    return {each["level"] for name in checks for each in found[name]}


@pytest.fixture(scope="module")
def counting(secured: Secured) -> None:
    aggregator = secured.service("aggregator")
    wait_until(aggregator.ready, f"the aggregator is ready: {aggregator.log}")


@pytest.mark.usefixtures("counting")
def test_the_operator_may_look_at_everything(secured: Secured) -> None:
    found = findings(secured, "operator")
    for check in ("kafka", "topics", "retention", "replication", "clickhouse", "tables", "workers"):
        assert levels(found, check) == {"ok"}, found[check]
    # However full the disks and busy the machine are: they could be asked.
    assert "skipped" not in levels(found, "clock", "disk of kafka", "disk of clickhouse", "counted")
    # One of another test may be in the group yet.
    assert re.fullmatch(
        "[12] aggregators? counts? all 4 partitions", found["workers"][0]["what"]
    ), found["workers"]
    shown = secured.run("operator", "status", "--data=/nowhere", "--json")
    assert shown.stderr == ""
    seen = json.loads(shown.stdout)
    counted = [place for worker in seen["workers"]["workers"] for place in worker["partitions"]]
    assert sorted(counted) == [0, 1, 2, 3]
    assert seen["log"]["brokers"] == 1
    assert "rows" in seen["counted"]
    assert CANARY not in secured.outputs()


@pytest.mark.usefixtures("counting")
def test_what_a_user_may_not_see_is_not_called_missing(secured: Secured) -> None:
    found = findings(secured, "aggregator")
    assert levels(found, "topics", "tables", "disk of kafka") == {"skipped"}, found
    assert "SELECT on imports" in found["tables"][0]["what"]
    assert "DESCRIBE_CONFIGS on engagement.events" in found["topics"][0]["what"]
    assert "deploy/kafka/acls.sh" in found["topics"][0]["advice"]
    assert levels(found, "replication", "workers") == {"ok"}, found
    assert "no topic" not in str(found)


def test_a_wrong_password_is_said_and_not_shown(secured: Secured) -> None:
    wrong = secured.secret("wrong", f"{CANARY}wrong")
    found = findings(
        secured,
        "operator",
        MOSTREAD_KAFKA_PASSWORD_FILE=wrong,
        MOSTREAD_CLICKHOUSE_PASSWORD_FILE=wrong,
    )
    for check, name in (("kafka", "MOSTREAD_KAFKA_PASSWORD"), ("clickhouse", "_PASSWORD")):
        (only,) = found[check]
        assert only["level"] == "problem"
        assert name in only["what"]
        assert only["advice"] == "Change what it names, then run this again."
    assert levels(found, "topics", "counted", "tables") == {"skipped"}
    assert CANARY not in secured.outputs()
