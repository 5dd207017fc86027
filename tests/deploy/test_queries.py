"""What rules and dashboards ask, asked for real: of a Prometheus that reads real processes, of a PostgreSQL they filled."""

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import errors

from tests.deploy.watched import Watched
from tests.servers import eventually

GRAFANA = Path(__file__).parents[2] / "deploy/grafana"
QUIET = {
    *('ALERTS{alertstate="firing"}', "sum by (task) (rate(seven_beat_skipped_total[5m])) > 0"),
    "sum by (queue) (rate(seven_swept_batches_total[5m]))",
    *(f"sum by (table) (increase(seven_retention_{done}_total[1h]))" for done in ("removed", "blanked")),
}
"""Queries that give nothing while all is well, and nothing is too old."""
HIDDEN = (
    *("deliveries.payload", "dead_letters.envelope", "inbound_messages.sender", "inbound_messages.text"),
    *("inbound_messages.id", "calls.caller", "calls.recipient", "link_totals.final_url", "links.tracking_url"),
)


def targets(name: str) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Each panel of a dashboard with each thing that it asks."""
    for panel in json.loads((GRAFANA / f"dashboards/{name}.json").read_text())["panels"]:
        for target in panel.get("targets", ()):
            yield panel, target


def as_grafana(query: str, interval_s: int = 3600) -> str:
    """A query of the last week, its macros replaced as Grafana's PostgreSQL source does."""
    until = datetime.now(UTC)
    since = until - timedelta(days=7)
    query = query.replace("$__interval", f"{interval_s}s")
    query = re.sub(r"\$__timeFilter\(([^)]*)\)", rf"\1 BETWEEN '{since:%FT%TZ}' AND '{until:%FT%TZ}'", query)
    grouped = rf'floor(extract(epoch from \1)/{interval_s})*{interval_s} AS "time"'
    query = re.sub(rf"\$__timeGroupAlias\(([^,)]*), {interval_s}s\)", grouped, query)
    assert "$" not in query
    return query


def test_every_panel_of_the_operators_tells(everybody: Watched):
    """Each query is valid, and gives something when everybody works and deliveries have come."""
    board = json.loads((GRAFANA / "dashboards/operators.json").read_text())
    queries = [target["expr"] for _, target in targets("operators")]
    queries += [one["expr"] for one in board["annotations"]["list"]]

    def silent() -> set[str]:
        return {query for query in queries if not everybody.prometheus.samples(query)} - QUIET

    with suppress(AssertionError):
        eventually(lambda: not silent(), 60, 0.5)
    assert not silent()


def test_every_rule_is_evaluated_and_nobody_is_alarmed(everybody: Watched):
    """On an installation that works every rule can be asked, every recorded series is there, and no alert fires."""
    groups = everybody.prometheus.ask("rules")["groups"]
    rules = [rule for group in groups for rule in group["rules"]]

    def recorded() -> bool:
        return all(everybody.prometheus.samples(one["name"]) for one in rules if one["type"] == "recording")

    eventually(recorded, 60, 0.5)
    rules = [rule for group in everybody.prometheus.ask("rules")["groups"] for rule in group["rules"]]
    assert {(rule["health"], rule.get("lastError")) for rule in rules} == {("ok", None)}
    assert [rule["name"] for rule in rules if rule.get("state") == "firing"] == []


@pytest.fixture(scope="session")
def reader(everybody: Watched) -> Iterator["psycopg.Connection[Any]"]:
    """A connection of the role for Grafana, which is made twice."""
    with psycopg.connect(everybody.database_url, autocommit=True) as owner:
        for _ in range(2):
            owner.execute((GRAFANA / "reader.sql").read_bytes())
    with psycopg.connect(everybody.database_url, user="seven_reader", autocommit=True) as connection:
        yield connection


def test_every_panel_of_the_business_tells(reader: "psycopg.Connection[Any]"):
    """Each query gives rows to the reader; what is drawn over time has a time, and every figure is one."""
    for panel, target in targets("business"):
        cursor = reader.execute(as_grafana(target["rawSql"]).encode())
        rows = cursor.fetchall()
        columns = [column.name for column in cursor.description or ()]

        assert rows, panel["title"]
        assert all(isinstance(row[-1], int | float | Decimal) for row in rows), panel["title"]
        if target["format"] == "time_series":
            assert columns[0] == "time"
            assert [row[0] for row in rows] == sorted(row[0] for row in rows)
            assert set(columns[1:-1]) <= {"metric"}


def test_the_figures_are_those_of_the_tables(everybody: Watched, reader: "psycopg.Connection[Any]"):
    """Messages, inbound messages, clicks and calls, as a count of all rows has them."""
    told = {
        panel["title"]: reader.execute(as_grafana(target["rawSql"]).encode()).fetchall()
        for panel, target in targets("business")
    }
    with psycopg.connect(everybody.database_url) as owner:

        def count(query: str) -> Any:
            (value,) = owner.execute(query.encode()).fetchone() or (None,)
            return value

        assert told["Messages"] == [(count("SELECT count(*) FROM seven.messages"),)]
        assert told["Messages"] == [(sum(row[-1] for row in told["Messages by status"]),)]
        assert told["Inbound messages"] == [(count("SELECT count(*) FROM seven.inbound_messages"),)]
        assert sum(row[-2] for row in told["Labels"]) == count("SELECT sum(clicks) FROM seven.links")
        assert sum(row[-1] for row in told["Calls by direction"]) == count("SELECT count(*) FROM seven.calls")
        assert told["Cost"] == [(sum(row[-1] for row in told["Cost by basis"]),)]


@pytest.mark.parametrize("column", HIDDEN)
def test_the_reader_sees_nobody(reader: "psycopg.Connection[Any]", column: str):
    """No number, text, payload or target of a link."""
    table, _, name = column.partition(".")

    with pytest.raises(errors.InsufficientPrivilege):
        reader.execute(f"SELECT {name} FROM seven.{table}".encode())


def test_the_reader_writes_nothing(reader: "psycopg.Connection[Any]"):
    """Not even a table of its own."""
    with pytest.raises(errors.ReadOnlySqlTransaction):
        reader.execute("CREATE TEMPORARY TABLE notes (note text)")
