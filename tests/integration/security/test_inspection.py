"""`mostread doctor` and `status` with TLS, users and rights."""

import json
import re
from typing import Any

import pytest

from tests.support.system import wait_until
from tests.support.tls.secured import CANARY, Secured


def findings(secured: Secured, user: str, **different: str) -> dict[str, list[dict[str, Any]]]:
    done = secured.run(user, "doctor", "--data=/nowhere", "--json", "--timeout=40", **different)
    by_check: dict[str, list[dict[str, Any]]] = {}
    for each in json.loads(done.stdout)["findings"]:
        by_check.setdefault(each["check"], []).append(each)
    return by_check


def levels(by_check: dict[str, list[dict[str, Any]]], *checks: str) -> set[str]:
    return {each["level"] for name in checks for each in by_check[name]}


@pytest.fixture(scope="module")
def counting(secured: Secured) -> None:
    aggregator = secured.service("aggregator")
    wait_until(aggregator.ready, f"the aggregator is ready: {aggregator.log}")


@pytest.mark.usefixtures("counting")
def test_doctor_and_status_see_everything_as_operator(secured: Secured) -> None:
    by_check = findings(secured, "operator")
    servers = ("kafka", "topics", "retention", "replication", "clickhouse", "tables")
    for check in (*servers, "aggregators"):
        assert levels(by_check, check) == {"ok"}, by_check[check]
    # The result depends on the machine; only being skipped would be an error.
    assert "skipped" not in levels(by_check, "clocks", "kafka disk", "clickhouse disk", "progress")
    # An aggregator of another test may still be in the group.
    assert re.fullmatch(
        "[12] aggregators? counts? all 4 partitions", by_check["aggregators"][0]["message"]
    ), by_check["aggregators"]
    shown = secured.run("operator", "status", "--data=/nowhere", "--json")
    assert shown.stderr == ""
    current = json.loads(shown.stdout)
    members = current["aggregators"]["aggregators"]
    assert sorted(number for member in members for number in member["partitions"]) == [0, 1, 2, 3]
    assert current["kafka"]["brokers"] == 1
    assert "rows" in current["clickhouse"]
    assert CANARY not in secured.outputs()


@pytest.mark.usefixtures("counting")
def test_doctor_skips_what_user_may_not_see(secured: Secured) -> None:
    by_check = findings(secured, "aggregator")
    assert levels(by_check, "topics", "tables") == {"skipped"}, by_check
    denied = by_check["tables"][0]["message"]
    for name in ("SELECT on", "import_versions", "decisions", "totals"):
        assert name in denied
    assert "DESCRIBE_CONFIGS on engagement.events" in by_check["topics"][0]["message"]
    assert "deploy/kafka/acls.sh" in by_check["topics"][0]["advice"]
    assert levels(by_check, "replication", "aggregators", "kafka disk") == {"ok"}, by_check
    assert "does not exist" not in str(by_check)


def test_doctor_reports_wrong_password_without_printing_it(secured: Secured) -> None:
    wrong = secured.secret("wrong", f"{CANARY}wrong")
    by_check = findings(
        secured,
        "operator",
        MOSTREAD_KAFKA_PASSWORD_FILE=wrong,
        MOSTREAD_CLICKHOUSE_PASSWORD_FILE=wrong,
    )
    for check, name in (("kafka", "MOSTREAD_KAFKA_PASSWORD"), ("clickhouse", "_PASSWORD")):
        (only,) = by_check[check]
        assert only["level"] == "problem"
        assert name in only["message"]
        assert only["advice"] == "Correct it, then run the doctor again."
    assert levels(by_check, "topics", "progress", "tables") == {"skipped"}
    assert CANARY not in secured.outputs()
