"""Dashboards, as far as they can be tested without Grafana.

tests/integration/infra/test_prometheus.py runs their queries.
"""

import json
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import Dashboard

DEPLOY = Path(__file__).parents[2] / "deploy"
GRAFANA = DEPLOY / "grafana"
BOARDS = {
    file.stem: json.loads(file.read_text())
    for file in sorted((GRAFANA / "dashboards").glob("*.json"))
}
SHOWN = [
    pytest.param(panel, id=f"{name}-{panel['title']}")
    for name, board in BOARDS.items()
    for panel in board["panels"]
    if panel["type"] != "row"
]
UNITS = {value for name, value in vars(units).items() if isinstance(value, str) and name[0] != "_"}


def differences(own: Any, parsed: Any, path: str = "") -> Iterator[str]:
    """Yield the paths in `own` that differ in `parsed`."""
    if isinstance(own, dict) and isinstance(parsed, dict):
        for name, value in own.items():
            yield from differences(value, parsed.get(name), f"{path}.{name}")
    elif isinstance(own, list) and isinstance(parsed, list) and len(own) == len(parsed):
        for index, (one, other) in enumerate(zip(own, parsed, strict=True)):
            yield from differences(one, other, f"{path}[{index}]")
    elif own != parsed:
        yield path


@pytest.mark.parametrize("name", BOARDS)
def test_grafana_models_know_every_field_of_a_dashboard(name: str) -> None:
    register_default_plugins()  # without it the options of a panel are not parsed
    parsed = JSONEncoder().encode(Dashboard.from_json(BOARDS[name]))
    assert list(differences(BOARDS[name], json.loads(parsed))) == []


@pytest.mark.parametrize("panel", SHOWN)
def test_panel_has_unit_description_and_legend(panel: dict[str, Any]) -> None:
    assert panel["fieldConfig"]["defaults"]["unit"] in UNITS
    assert panel["description"].endswith(".")
    assert panel["targets"]
    for target in panel["targets"]:
        assert target["datasource"] == panel["datasource"]
        assert target["legendFormat"] or panel["type"] == "stat"


@pytest.mark.parametrize("name", BOARDS)
def test_panels_do_not_overlap(name: str) -> None:
    panels = BOARDS[name]["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    positions = [panel["gridPos"] for panel in panels]
    assert all(position["x"] + position["w"] <= 24 for position in positions)
    for a, b in combinations(positions, 2):
        side_by_side = a["x"] + a["w"] <= b["x"] or b["x"] + b["w"] <= a["x"]
        assert side_by_side or a["y"] + a["h"] <= b["y"] or b["y"] + b["h"] <= a["y"], (a, b)


def test_dashboards_work_with_any_prometheus_chosen_on_the_page() -> None:
    """Files that are provisioned cannot ask for a data source at import."""
    for board in BOARDS.values():
        source, *others = board["templating"]["list"]
        assert (source["name"], source["type"], source["query"]) == (
            "datasource",
            "datasource",
            "prometheus",
        )
        users = [*others, *board["annotations"]["list"]]
        users += [panel for panel in board["panels"] if panel["type"] != "row"]
        assert {each["datasource"]["uid"] for each in users} == {"${datasource}"}
        assert "__inputs" not in board


def test_provisioned_prometheus_is_the_default_data_source() -> None:
    provisioned = yaml.safe_load((GRAFANA / "provisioning/datasources/prometheus.yml").read_text())
    (source,) = provisioned["datasources"]
    assert (source["type"], source["isDefault"]) == ("prometheus", True)
    scraped = yaml.safe_load((DEPLOY / "prometheus/prometheus.yml").read_text())["global"]
    # Grafana derives the minimum interval of a rate from it.
    assert source["jsonData"]["timeInterval"] == scraped["scrape_interval"]


def test_dashboards_have_distinct_uids() -> None:
    assert len({board["uid"] for board in BOARDS.values()}) == len(BOARDS) == 2
    assert all(board["tags"] == ["mostread"] for board in BOARDS.values())
