"""Panels: the queries of the dashboards, with Grafana's macros replaced as its data source for PostgreSQL does."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

GRAFANA = Path(__file__).parents[2] / "deploy/grafana"
WEEK = timedelta(days=7)


def targets(name: str) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Pairs of panel and query of a dashboard."""
    for panel in json.loads((GRAFANA / f"dashboards/{name}.json").read_text())["panels"]:
        for target in panel.get("targets", ()):
            yield panel, target


def as_grafana(query: str, since: datetime | None = None, until: datetime | None = None, interval_s: int = 3600) -> str:
    """The query over a range, by default the last week."""
    until = until or datetime.now(UTC)
    first, last = (f"'{time:%FT%T}.{time.microsecond:06d}Z'" for time in (since or until - WEEK, until))
    query = query.replace("$__interval", f"{interval_s}s")
    query = query.replace("$__timeFrom()", first).replace("$__timeTo()", last)
    query = re.sub(r"\$__timeFilter\(([^)]*)\)", rf"\1 BETWEEN {first} AND {last}", query)
    grouped = rf'floor(extract(epoch from \1)/{interval_s})*{interval_s} AS "time"'
    query = re.sub(rf"\$__timeGroupAlias\(([^,)]*), {interval_s}s\)", grouped, query)
    assert "$" not in query
    return query
