"""Alerts tested with promtool, and their sections in the runbook."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.tools import tool

ROOT = Path(__file__).parents[2]
RULES = ROOT / "deploy/prometheus"
CASES = sorted((Path(__file__).parent / "alerts").glob("*.yml"))
SECTION = re.compile(
    r"^## (?P<name>Mostread\w+)\n\n(?P<text>.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL
)


def rules(file: str) -> list[dict[str, Any]]:
    groups = yaml.safe_load((RULES / file).read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


DOCUMENTED = {
    name
    for page in ("settings", "metrics")
    for name in re.findall(
        r"^### `(\w+)`$", (ROOT / f"docs/reference/{page}.md").read_text(), re.MULTILINE
    )
}
ALERTS = {rule["alert"]: rule for rule in rules("alerts.yml")}


@pytest.mark.parametrize("cases", CASES, ids=lambda path: path.stem)
def test_alert_rules_pass_their_promtool_cases(cases: Path) -> None:
    test = [tool("promtool"), "test", "rules", str(cases)]
    done = subprocess.run(test, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_alert_has_a_firing_and_a_silent_case() -> None:
    cases_by_outcome: dict[bool, set[str]] = {True: set(), False: set()}
    for file in CASES:
        for test in yaml.safe_load(file.read_text())["tests"]:
            for case in test["alert_rule_test"]:
                cases_by_outcome[bool(case.get("exp_alerts"))].add(case["alertname"])
    assert cases_by_outcome[True] == cases_by_outcome[False] == set(ALERTS)


def test_each_alert_has_a_severity_and_a_runbook_section() -> None:
    runbook = (ROOT / "docs/how-to/runbook.md").read_text()
    sections = {match["name"]: match["text"] for match in SECTION.finditer(runbook)}
    assert set(sections) == set(ALERTS)
    for name, text in sections.items():
        labels = [part.split("**")[1] for part in text.strip().split("\n\n")]
        assert labels == ["Meaning.", "Diagnosis.", "Action."], name
    for name, alert in ALERTS.items():
        assert alert["labels"] in ({"severity": "critical"}, {"severity": "warning"})
        assert alert["annotations"].keys() == {"summary", "runbook_url"}
        section = f"https://docs.mostread.example/how-to/runbook.html#{name.lower()}"
        assert alert["annotations"]["runbook_url"] == section


def test_runbook_names_only_documented_settings_and_metrics() -> None:
    runbook = (ROOT / "docs/how-to/runbook.md").read_text()
    names = set(re.findall(r"`((?:mostread|MOSTREAD)_\w+)", runbook))
    assert len(names) > 10
    assert names - DOCUMENTED == set()


def test_rules_and_dashboards_query_only_existing_metrics() -> None:
    recorded = {rule["record"] for rule in rules("recording.yml")}
    expressions = [rule["expr"] for rule in [*rules("recording.yml"), *ALERTS.values()]]
    expressions += [
        file.read_text() for file in (ROOT / "deploy/grafana/dashboards").glob("*.json")
    ]
    for name in re.findall(r"\bmostread(?:_\w+|:[\w:]+)", " ".join(expressions)):
        assert name in recorded or re.sub("_(bucket|sum|count)$", "", name) in DOCUMENTED, name
