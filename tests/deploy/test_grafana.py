"""The dashboards as files: drawn from their sources, legible, and of metrics that there are."""

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
"""Of Grafana's units those in use: a misspelt one is shown as text behind each figure."""


def read(name: str) -> dict[str, Any]:
    return dict(json.loads((GRAFANA / f"dashboards/{name}.json").read_text()))


@pytest.fixture(params=NAMES)
def board(request: pytest.FixtureRequest) -> dict[str, Any]:
    return read(request.param)


def panels(board: dict[str, Any]) -> list[dict[str, Any]]:
    return [panel for panel in board["panels"] if panel["type"] != "row"]


@pytest.mark.parametrize("name", NAMES)
def test_dashboards_are_what_their_sources_say(name: str):
    """Whoever changed a source has drawn it: python deploy/grafana/draw.py."""
    drawn = runpy.run_path(str(GRAFANA / "draw.py"))["drawn"]

    assert (GRAFANA / f"dashboards/{name}.json").read_text() == drawn(name)


def test_no_two_panels_are_one(board: dict[str, Any]):
    """Ids and titles are given once; nothing lies on another, or beyond the edge."""
    everything = board["panels"]
    places = [panel["gridPos"] for panel in everything]

    assert len({panel["id"] for panel in everything}) == len(everything)
    assert len({panel["title"] for panel in panels(board)}) == len(panels(board))
    assert all(one["x"] >= 0 and one["x"] + one["w"] <= 24 for one in places)
    for one, other in combinations(places, 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        below = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert beside or below, (one, other)


def test_every_panel_explains_itself(board: dict[str, Any]):
    """A sentence, a unit that Grafana knows, a query with a name of its own."""
    for panel in panels(board):
        assert panel["description"].endswith("."), panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"] in UNITS, panel["title"]
        references = [target["refId"] for target in panel["targets"]]
        assert references
        assert len(set(references)) == len(references)


def test_the_source_is_chosen_by_who_looks(board: dict[str, Any]):
    """No data source of somebody's Grafana is written down: all panels ask the one variable."""
    (variable,) = board["templating"]["list"]
    expected = {"type": variable["query"], "uid": f"${{{variable['name']}}}"}
    provisioned = yaml.safe_load((GRAFANA / "provisioning/datasources/seven.yml").read_text())["datasources"]

    assert variable["type"] == "datasource"
    for panel in panels(board):
        assert [panel["datasource"], *(target["datasource"] for target in panel["targets"])] == [expected] * (
            1 + len(panel["targets"])
        )
    assert variable["query"] in {source["type"] for source in provisioned}


def test_dashboards_ask_for_what_is_told():
    """Every metric is one of docs/metrics.md; every recorded series is recorded, and none for nobody."""
    asked = [target["expr"] for panel in panels(read("operators")) for target in panel["targets"]]
    recorded = {rule["record"] for rule in RECORDED}
    used = set(re.findall(r"\bseven:\w+(?::\w+)*", " ".join([*asked, *(rule["expr"] for rule in ALERTS)])))

    assert set.union(*map(metrics, asked)) <= documented()
    assert used == recorded


def test_what_is_mounted_is_where_grafana_looks():
    """The provider's path is the one that deploy/grafana/README.md mounts."""
    (provider,) = yaml.safe_load((GRAFANA / "provisioning/dashboards/seven.yml").read_text())["providers"]

    assert f"./dashboards:{provider['options']['path']}:ro" in (GRAFANA / "README.md").read_text()
