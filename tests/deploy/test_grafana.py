"""Dashboard files: generated from their sources, readable, and with documented metrics only."""

import json
import re
import runpy
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.acceptance.test_metrics import documented
from tests.deploy.test_prometheus import ALERTS, RECORDED, metrics

GRAFANA = Path(__file__).parents[2] / "deploy/grafana"
NAMES = ("operators", "business")
UNITS = {"short", "s", "ops", "bytes", "percentunit", "currencyEUR"}
"""The units of Grafana in use; Grafana would show a misspelt unit as text after each figure."""


def read(name: str) -> dict[str, Any]:
    return dict(json.loads((GRAFANA / f"dashboards/{name}.json").read_text()))


@pytest.fixture(params=NAMES)
def board(request: pytest.FixtureRequest) -> dict[str, Any]:
    return read(request.param)


def panels(board: dict[str, Any]) -> list[dict[str, Any]]:
    return [panel for panel in board["panels"] if panel["type"] != "row"]


@pytest.mark.parametrize("name", NAMES)
def test_dashboards_are_generated_from_their_sources(name: str):
    """The JSON files are up to date with `python deploy/grafana/draw.py`."""
    dashboard_text = runpy.run_path(str(GRAFANA / "draw.py"))["dashboard_text"]

    assert (GRAFANA / f"dashboards/{name}.json").read_text() == dashboard_text(name)


def test_panels_do_not_collide(board: dict[str, Any]):
    """Ids and titles are unique; no panel overlaps another or exceeds the grid."""
    everything = board["panels"]
    places = [panel["gridPos"] for panel in everything]

    assert len({panel["id"] for panel in everything}) == len(everything)
    assert len({panel["title"] for panel in panels(board)}) == len(panels(board))
    assert all(place["x"] >= 0 and place["x"] + place["w"] <= 24 for place in places)
    for place, other in combinations(places, 2):
        beside = place["x"] + place["w"] <= other["x"] or other["x"] + other["w"] <= place["x"]
        below = place["y"] + place["h"] <= other["y"] or other["y"] + other["h"] <= place["y"]
        assert beside or below, (place, other)


def test_every_panel_explains_itself(board: dict[str, Any]):
    """Every panel has a sentence, a known unit, and queries with unique reference ids."""
    for panel in panels(board):
        assert panel["description"].endswith("."), panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"] in UNITS, panel["title"]
        references = [target["refId"] for target in panel["targets"]]
        assert references
        assert len(set(references)) == len(references)


def test_the_viewer_chooses_the_data_source(board: dict[str, Any]):
    """No uid of a data source is fixed: all panels use the one variable."""
    (variable,) = board["templating"]["list"]
    expected = {"type": variable["query"], "uid": f"${{{variable['name']}}}"}
    provisioned = yaml.safe_load((GRAFANA / "provisioning/datasources/seven.yml").read_text())["datasources"]

    assert variable["type"] == "datasource"
    for panel in panels(board):
        assert [panel["datasource"], *(target["datasource"] for target in panel["targets"])] == [expected] * (
            1 + len(panel["targets"])
        )
    assert variable["query"] in {source["type"] for source in provisioned}


def test_dashboards_use_documented_metrics():
    """Every metric is in docs/metrics.md, and every recorded series is used."""
    expressions = [target["expr"] for panel in panels(read("operators")) for target in panel["targets"]]
    recorded = {rule["record"] for rule in RECORDED}
    rules = [rule["expr"] for rule in (*ALERTS, *RECORDED)]
    used = set(re.findall(r"\bseven:\w+(?::\w+)*", " ".join([*expressions, *rules])))

    assert set.union(*map(metrics, expressions)) <= documented()
    assert used == recorded


def test_grafana_reads_the_mounted_dashboards():
    """The provider reads the path that deploy/grafana/README.md mounts."""
    (provider,) = yaml.safe_load((GRAFANA / "provisioning/dashboards/seven.yml").read_text())["providers"]

    assert f"./dashboards:{provider['options']['path']}:ro" in (GRAFANA / "README.md").read_text()
