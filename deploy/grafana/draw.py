"""Generate Grafana's dashboards: python deploy/grafana/draw.py writes dashboards/NAME.json from NAME.yml.

A source has a title, a uid, the kind of its data source, and rows of panels. A panel has a one-sentence description
(`says`) and its queries by legend (`ask`). Optional keys override the defaults: `draw` (lines, bars, stat, table or
heatmap), Grafana's `unit`, the `width` out of 24 columns, `limits` by colour, `words` as labels for values, and the
shortest time that one bar covers (`each`).
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

Json = dict[str, Any]


def dashboard(source: Json) -> Json:
    """A source as Grafana's dashboard JSON."""
    kind = source["datasource"]
    datasource = {
        "type": kind,
        "uid": "${source}",
    }  # the variable below: the viewer chooses, so no uid is fixed
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
        "annotations": {"list": annotations(datasource)},
        "panels": list(panels(source["rows"], datasource)),
    }


def annotations(datasource: Json) -> list[Json]:
    """Firing alerts, marked in all panels; Prometheus alone has them."""
    if datasource["type"] != "prometheus":
        return []
    expression = 'ALERTS{alertstate="firing",alertname!="Watchdog"}'  # that one always fires
    annotation = {"name": "Alerts", "enable": True, "iconColor": "red", "titleFormat": "{{alertname}}", "step": "60s"}
    return [annotation | {"datasource": datasource, "expr": expression}]


def panels(rows: dict[str, list[Json]], datasource: Json) -> Iterator[Json]:
    """Rows from top to bottom; within a row, panels from left to right, wrapped at the full width."""
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
            width, height = SIZES[member.get("draw", "lines")]
            width = member.get("width", width)
            if left + width > WIDTH:
                top, left, tallest = top + tallest, 0, 0
            number += 1
            yield {"id": number, "gridPos": at(left, top, width, height)} | panel(member, datasource)
            left, tallest = left + width, max(tallest, height)
        top += tallest


def panel(member: Json, datasource: Json) -> Json:
    """One panel, without its position."""
    draw = member.get("draw", "lines")
    colours = [{"color": "green", "value": None}]
    colours += [{"color": colour, "value": value} for colour, value in member.get("limits", {}).items()]
    defaults: Json = {
        "unit": member.get("unit", "short"),
        "custom": LOOKS.get(draw, {}),
        "thresholds": {"mode": "absolute", "steps": colours},
    }
    if draw in KINDS:
        defaults["min"] = 0
    if words := member.get("words"):
        labels = {str(value): {"text": word} for value, word in words.items()}
        defaults["mappings"] = [{"type": "value", "options": labels}]
    content = {
        "type": KINDS.get(draw, draw),
        "title": member["panel"],
        "description": member["says"],
        "datasource": datasource,
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "options": OPTIONS[draw],
        "targets": [
            {"refId": chr(ord("A") + place), "datasource": datasource} | target(datasource["type"], draw, legend, query)
            for place, (legend, query) in enumerate(member["ask"].items())
        ],
    }
    return content | ({"interval": member["each"]} if "each" in member else {})


def target(kind: str, draw: str, legend: str, query: str) -> Json:
    """One query, without its reference id and data source."""
    if kind != "prometheus":
        form = "table" if draw in ("stat", "table") else "time_series"
        return {"rawSql": query, "format": form, "rawQuery": True, "editorMode": "code"}
    query_json: Json = {
        "expr": query,
        "legendFormat": str(legend),
        "instant": draw == "stat",
        "range": draw != "stat",
    }
    return query_json | ({"format": "heatmap"} if draw == "heatmap" else {})


def at(left: int, top: int, width: int, height: int) -> dict[str, int]:
    """A position and size on the grid."""
    return {"x": left, "y": top, "w": width, "h": height}


def dashboard_text(name: str) -> str:
    """The text of dashboards/NAME.json: one line per panel, so that a diff shows which panels changed."""
    content = dashboard(yaml.safe_load((HERE / f"{name}.yml").read_text("utf-8")))
    lines = ",\n    ".join(json.dumps(member, ensure_ascii=False) for member in content.pop("panels"))
    head = json.dumps(content, ensure_ascii=False, indent=2).removesuffix("\n}")
    return f'{head},\n  "panels": [\n    {lines}\n  ]\n}}\n'


if __name__ == "__main__":
    for source in SOURCES:
        (HERE / f"dashboards/{source}.json").write_text(dashboard_text(source), "utf-8")
