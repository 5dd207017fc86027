"""Draws the dashboards: python deploy/grafana/draw.py makes dashboards/NAME.json, which Grafana reads, of NAME.yml.

A source has a title, a uid, the kind of its data source, and rows of panels. A panel says in one sentence what it shows
(`says`) and what it asks (`ask`: a legend and its query, each). Wherever the default is not right it says more: `draw`
(lines, bars, stat, table or heatmap), Grafana's `unit`, the `width` of 24, `limits` by colour, `words` for values, and
the least time that one bar stands for (`each`).
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped] # it ships no types

HERE = Path(__file__).parent
SOURCES = ("operators", "business")
WIDTH = 24
SIZES = {"stat": (4, 4), "lines": (8, 8), "bars": (8, 8), "table": (12, 8), "heatmap": (8, 8)}
KINDS = {"lines": "timeseries", "bars": "timeseries"}
LOOKS: dict[str, dict[str, Any]] = {
    "lines": {"fillOpacity": 8, "showPoints": "never"},
    "bars": {"drawStyle": "bars", "fillOpacity": 80, "stacking": {"mode": "normal"}},
}
OPTIONS: dict[str, dict[str, Any]] = {
    "lines": {"legend": {"placement": "bottom"}, "tooltip": {"mode": "multi", "sort": "desc"}},
    "bars": {"legend": {"placement": "bottom"}, "tooltip": {"mode": "multi", "sort": "desc"}},
    "stat": {"reduceOptions": {"calcs": ["lastNotNull"]}, "graphMode": "none"},
    "table": {"cellHeight": "sm"},
    "heatmap": {"calculate": False, "yAxis": {"unit": "s"}, "color": {"scheme": "Oranges"}},
}

Told = dict[str, Any]


def dashboard(source: Told) -> Told:
    """What Grafana reads."""
    kind = source["datasource"]
    asked = {"type": kind, "uid": "${source}"}  # the variable below: chosen when it is looked at, so no uid is ours
    return {
        "uid": source["uid"],
        "title": source["title"],
        "tags": ["seven-ingest"],
        "editable": True,
        "schemaVersion": 39,
        "graphTooltip": 1,  # one cross-hair through all panels
        "time": {"from": source["since"], "to": "now"},
        "refresh": source["refresh"],
        "timezone": "browser",
        "templating": {"list": [{"name": "source", "label": "Data source", "type": "datasource", "query": kind}]},
        "annotations": {"list": annotations(asked)},
        "panels": list(panels(source["rows"], asked)),
    }


def annotations(asked: Told) -> list[Told]:
    """Where alerts fired, through all panels, for a source that knows them."""
    if asked["type"] != "prometheus":
        return []
    expression = 'ALERTS{alertstate="firing"}'
    told = {"name": "Alerts", "enable": True, "iconColor": "red", "titleFormat": "{{alertname}}", "step": "60s"}
    return [told | {"datasource": asked, "expr": expression}]


def panels(rows: dict[str, list[Told]], asked: Told) -> Iterator[Told]:
    """Rows under each other, in each the panels from left to right and then below."""
    top = number = 0
    for title, members in rows.items():
        number += 1
        yield {
            "id": number,
            "type": "row",
            "title": title,
            "collapsed": False,
            "panels": [],
            "gridPos": at(0, top, 24, 1),
        }
        top, left, tallest = top + 1, 0, 0
        for member in members:
            width, sort_key = SIZES[member.get("draw", "lines")]
            width = member.get("width", width)
            if left + width > WIDTH:
                top, left, tallest = top + tallest, 0, 0
            number += 1
            yield {"id": number, "gridPos": at(left, top, width, sort_key)} | panel(member, asked)
            left, tallest = left + width, max(tallest, sort_key)
        top += tallest


def panel(member: Told, asked: Told) -> Told:
    """One panel, wherever it stands."""
    draw = member.get("draw", "lines")
    colours = [{"color": "green", "value": None}]
    colours += [{"color": colour, "value": value} for colour, value in member.get("limits", {}).items()]
    defaults: Told = {
        "unit": member.get("unit", "short"),
        "custom": LOOKS.get(draw, {}),
        "thresholds": {"mode": "absolute", "steps": colours},
    }
    if draw in KINDS:
        defaults["min"] = 0
    if words := member.get("words"):
        named = {str(value): {"text": word} for value, word in words.items()}
        defaults["mappings"] = [{"type": "value", "options": named}]
    told = {
        "type": KINDS.get(draw, draw),
        "title": member["panel"],
        "description": member["says"],
        "datasource": asked,
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "options": OPTIONS[draw],
        "targets": [
            {"refId": chr(ord("A") + place), "datasource": asked} | target(asked["type"], draw, legend, query)
            for place, (legend, query) in enumerate(member["ask"].items())
        ],
    }
    return told | ({"interval": member["each"]} if "each" in member else {})


def target(kind: str, draw: str, legend: str, query: str) -> Told:
    """One query."""
    if kind != "prometheus":
        form = "table" if draw in ("stat", "table") else "time_series"
        return {"rawSql": query, "format": form, "rawQuery": True, "editorMode": "code"}
    told: Told = {"expr": query, "legendFormat": str(legend), "instant": draw == "stat", "range": draw != "stat"}
    return told | ({"format": "heatmap"} if draw == "heatmap" else {})


def at(left: int, top: int, width: int, sort_key: int) -> dict[str, int]:
    """A place on the grid."""
    return {"x": left, "y": top, "w": width, "h": sort_key}


def drawn(name: str) -> str:
    """The text of dashboards/NAME.json: a line for each panel, so that a change is a changed line."""
    told = dashboard(yaml.safe_load((HERE / f"{name}.yml").read_text("utf-8")))
    lines = ",\n    ".join(json.dumps(one, ensure_ascii=False) for one in told.pop("panels"))
    head = json.dumps(told, ensure_ascii=False, indent=2).removesuffix("\n}")
    return f'{head},\n  "panels": [\n    {lines}\n  ]\n}}\n'


if __name__ == "__main__":
    for source in SOURCES:
        (HERE / f"dashboards/{source}.json").write_text(drawn(source), "utf-8")
