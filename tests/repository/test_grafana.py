"""The dashboards, as far as they can be tried without Grafana.

tests/integration/test_prometheus.py runs their queries.
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


def differences(ours: Any, theirs: Any, path: str = "") -> Iterator[str]:
    """Yield what of `ours` is not in `theirs`."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for name, value in ours.items():
            yield from differences(value, theirs.get(name), f"{path}.{name}")
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for index, (one, other) in enumerate(zip(ours, theirs, strict=True)):
            yield from differences(one, other, f"{path}[{index}]")
    elif ours != theirs:
        yield path


@pytest.mark.parametrize("name", BOARDS)
def test_grafana_understands_everything_in_a_dashboard(name: str) -> None:
    register_default_plugins()  # else the options of a panel are taken as they are
    understood = JSONEncoder().encode(Dashboard.from_json(BOARDS[name]))
    assert list(differences(BOARDS[name], json.loads(understood))) == []


@pytest.mark.parametrize("panel", SHOWN)
def test_a_panel_says_what_it_shows(panel: dict[str, Any]) -> None:
    assert panel["fieldConfig"]["defaults"]["unit"] in UNITS
    assert panel["description"].endswith(".")
    assert panel["targets"]
    for target in panel["targets"]:
        assert target["datasource"] == panel["datasource"]
        assert target["legendFormat"] or panel["type"] == "stat"


@pytest.mark.parametrize("name", BOARDS)
def test_panels_lie_side_by_side(name: str) -> None:
    panels = BOARDS[name]["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    places = [panel["gridPos"] for panel in panels]
    assert all(place["x"] + place["w"] <= 24 for place in places)
    for a, b in combinations(places, 2):
        beside = a["x"] + a["w"] <= b["x"] or b["x"] + b["w"] <= a["x"]
        assert beside or a["y"] + a["h"] <= b["y"] or b["y"] + b["h"] <= a["y"], (a, b)


def test_dashboards_ask_the_data_source_that_is_provisioned() -> None:
    provisioned = yaml.safe_load((GRAFANA / "provisioning/datasources/prometheus.yml").read_text())
    (source,) = provisioned["datasources"]
    asked = {panel.values[0]["datasource"]["uid"] for panel in SHOWN}  # type: ignore[index]
    asked |= {
        each["datasource"]["uid"]
        for board in BOARDS.values()
        for each in [*board["templating"]["list"], *board["annotations"]["list"]]
    }
    assert asked == {source["uid"]}
    scraped = yaml.safe_load((DEPLOY / "prometheus/prometheus.yml").read_text())["global"]
    # From it Grafana knows over how long a rate has samples.
    assert source["jsonData"]["timeInterval"] == scraped["scrape_interval"]


def test_dashboards_can_be_told_apart() -> None:
    assert len({board["uid"] for board in BOARDS.values()}) == len(BOARDS) == 2
    assert all(board["tags"] == ["mostread"] for board in BOARDS.values())
