"""The alerts: promtool sees each firing and not firing, and the runbook says what to do."""

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
PARAGRAPH = re.compile(
    r"^## (?P<name>Mostread\w+)\n\n(?P<text>.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL
)


def rules(file: str) -> list[dict[str, Any]]:
    groups = yaml.safe_load((RULES / file).read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


ALERTS = {rule["alert"]: rule for rule in rules("alerts.yml")}


@pytest.mark.parametrize("cases", CASES, ids=lambda path: path.stem)
def test_alerts_fire_when_they_should_and_only_then(cases: Path) -> None:
    test = [tool("promtool"), "test", "rules", str(cases)]
    done = subprocess.run(test, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_alert_is_seen_firing_and_not_firing() -> None:
    seen: dict[bool, set[str]] = {True: set(), False: set()}
    for file in CASES:
        for test in yaml.safe_load(file.read_text())["tests"]:
            for case in test["alert_rule_test"]:
                seen[bool(case.get("exp_alerts"))].add(case["alertname"])
    assert seen[True] == seen[False] == set(ALERTS)


def test_each_alert_says_how_bad_it_is_and_has_its_paragraph() -> None:
    runbook = (ROOT / "docs/how-to/runbook.md").read_text()
    paragraphs = {found["name"]: found["text"] for found in PARAGRAPH.finditer(runbook)}
    assert set(paragraphs) == set(ALERTS)
    for name, text in paragraphs.items():
        begins = [part.split("**")[1] for part in text.strip().split("\n\n")]
        assert begins == ["What it means.", "Look at", "Do"], name
    for name, alert in ALERTS.items():
        assert alert["labels"] in ({"severity": "critical"}, {"severity": "warning"})
        assert alert["annotations"].keys() == {"summary", "runbook"}
        assert alert["annotations"]["runbook"] == f"docs/how-to/runbook.md#{name.lower()}"


def test_every_name_in_the_runbook_exists() -> None:
    """A paragraph that sends somebody to a metric or a setting sends them to one that is there."""
    operations = (ROOT / "docs/how-to/operations.md").read_text()
    runbook = (ROOT / "docs/how-to/runbook.md").read_text()
    names = set(re.findall(r"`((?:mostread|MOSTREAD)_\w+)", runbook))
    assert len(names) > 10
    assert {name for name in names if f"| `{name}` |" not in operations} == set()


def test_rules_and_dashboards_ask_for_what_there_is() -> None:
    """Each metric of ours is documented, or recorded by a rule."""
    operations = (ROOT / "docs/how-to/operations.md").read_text()
    recorded = {rule["record"] for rule in rules("recording.yml")}
    asked = [rule["expr"] for rule in [*rules("recording.yml"), *ALERTS.values()]]
    asked += [file.read_text() for file in (ROOT / "deploy/grafana/dashboards").glob("*.json")]
    for name in re.findall(r"\bmostread(?:_\w+|:[\w:]+)", " ".join(asked)):
        documented = f"| `{re.sub('_(bucket|sum|count)$', '', name)}` |" in operations
        assert name in recorded or documented, name
