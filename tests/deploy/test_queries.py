"""Queries of rules and dashboards against a Prometheus that scrapes real processes, and the PostgreSQL they filled."""

import json
from collections.abc import Iterator
from contextlib import suppress
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from psycopg import errors

from tests.deploy.panels import GRAFANA, as_grafana, targets
from tests.deploy.watched import Watched
from tests.extent import thorough
from tests.servers import eventually

QUIET = {
    *('ALERTS{alertstate="firing",alertname!="Watchdog"}', "sum by (task) (rate(seven_beat_skipped_total[5m])) > 0"),
    *("max(seven_public_url_up)", "min(seven_public_url_certificate_expiry_timestamp_seconds) - time()"),
    *("sum by (queue) (rate(seven_swept_batches_total[5m]))", "max(seven_delivery_rate_usual)"),
    "max(seven_delivery_rate)",  # counted when the worker starts, and by the hour
    *(f"sum by (table) (increase(seven_retention_{done}_total[1h]))" for done in ("removed", "blanked")),
}
"""Queries without a result while everything works and no data exceeds its retention: the gateway is an emulator here."""
HIDDEN = (
    *("deliveries.payload", "dead_letters.envelope", "inbound_messages.sender", "inbound_messages.text"),
    *("messages.msg_id", "messages.foreign_id"),
    *("inbound_messages.id", "calls.caller", "calls.recipient", "link_totals.final_url", "links.tracking_url"),
    *("inbound_messages.postback", "inbound_messages.latitude", "call_digits.digit", "forgotten.hash"),
    *("sent_messages.recipient", "message_details.recipient", "message_details.text", "message_details.foreign_id"),
    *("opt_outs.number", "opt_outs.word", "opt_out_events.number", "opt_out_events.word", "opted_out.number"),
    *("call_costs.caller", "call_costs.recipient", "call_costs.call_id"),
)
OPEN = {
    *("direction", "duration_s", "billed_minutes", "price_per_minute", "cost_eur", "cost_basis", "price", "mccmnc"),
    *("status", "result", "final", "state", "kind", "channel", "message_type", "label", "msg_id", "sms_id"),
    *(
        "at",
        "since",
        "status_at",
        "first_seen_at",
        "last_seen_at",
        "changed_at",
        "sent_at",
        "started_at",
        "hour",
        "day",
    ),
    *("delivered_after_s", "clicks", "views", "links", "clicked_links", "messages", "event_type"),
    *("late", "missed", "came"),
    "recipient",  # of inbound messages: one of our own numbers
}
"""Names of columns that identify nobody."""


@thorough
def test_every_operators_panel_has_data(watched: Watched):
    """Every query is valid and has a result when all processes work and deliveries have arrived."""
    board = json.loads((GRAFANA / "dashboards/operators.json").read_text())
    queries = [target["expr"] for _, target in targets("operators")]
    queries += [annotation["expr"] for annotation in board["annotations"]["list"]]

    def silent() -> set[str]:
        return {query for query in queries if not watched.prometheus.query_now(query)} - QUIET

    with suppress(AssertionError):
        eventually(lambda: not silent(), 60, 0.5)
    assert not silent()


def test_every_rule_is_evaluated_and_no_other_alert_fires(watched: Watched):
    """On a working installation every rule is evaluated, every recorded series exists, and only the watchdog fires."""
    groups = watched.prometheus.get("rules")["groups"]
    rules = [rule for group in groups for rule in group["rules"]]

    def recorded() -> bool:
        return all(watched.prometheus.query_now(rule["name"]) for rule in rules if rule["type"] == "recording")

    eventually(recorded, 60, 0.5)
    rules = [rule for group in watched.prometheus.get("rules")["groups"] for rule in group["rules"]]
    assert {(rule["health"], rule.get("lastError")) for rule in rules} == {("ok", None)}
    assert [rule["name"] for rule in rules if rule.get("state") == "firing"] == ["Watchdog"]


@pytest.fixture(scope="session")
def reader(watched: Watched) -> Iterator["psycopg.Connection[Any]"]:
    """A connection of Grafana's role; its script can be repeated, also after a grant of an older one."""
    with psycopg.connect(watched.database_url, autocommit=True) as owner:
        for _ in range(2):
            owner.execute((GRAFANA / "reader.sql").read_bytes())
            owner.execute("GRANT SELECT ON seven.call_costs TO seven_reader")
        owner.execute((GRAFANA / "reader.sql").read_bytes())
    with psycopg.connect(watched.database_url, user="seven_reader", autocommit=True) as connection:
        yield connection


def test_every_business_panel_has_data(reader: "psycopg.Connection[Any]"):
    """Every query returns rows to the reader; time series have a time column, and every value is a number."""
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


def test_figures_equal_the_tables(watched: Watched, reader: "psycopg.Connection[Any]"):
    """Messages, inbound messages, opt-outs, clicks, calls and cost equal counts over all rows."""
    rows_by_panel = {
        panel["title"]: reader.execute(as_grafana(target["rawSql"]).encode()).fetchall()
        for panel, target in targets("business")
    }
    with psycopg.connect(watched.database_url) as owner:

        def count(query: str) -> Any:
            (value,) = owner.execute(query.encode()).fetchone() or (None,)
            return value

        assert rows_by_panel["Messages"] == [(count("SELECT count(*) FROM seven.messages"),)]
        for title in ("Messages by status", "Messages by result"):
            assert rows_by_panel["Messages"] == [(sum(row[-1] for row in rows_by_panel[title]),)]
        assert rows_by_panel["Inbound messages"] == [(count("SELECT count(*) FROM seven.inbound_messages"),)]
        assert sum(row[-1] for row in rows_by_panel["Inbound by channel"]) == rows_by_panel["Inbound messages"][0][0]
        assert rows_by_panel["Sent"] == [(count("SELECT count(*) FROM seven.sent_messages"),)]
        (sent,) = rows_by_panel["Labels of all sent"]
        assert sent[:2] == ("spring", rows_by_panel["Sent"][0][0])
        clicked = count(
            "SELECT count(DISTINCT sms_id) FROM seven.links JOIN seven.sent_messages ON msg_id = sms_id WHERE clicks > 0"
        )
        assert 0 < sent[3] == round(Decimal(100 * clicked) / sent[1], 1)
        assert rows_by_panel["Networks"][0][4] == rows_by_panel["Cost of messages"][0][0] == sent[1] * Decimal("0.075")
        assert sum(row[-1] for row in rows_by_panel["Sent by result"]) == sent[1]
        assert rows_by_panel["Webhooks that never came"] == [(1,)]
        assert rows_by_panel["Opted out"] == [(count("SELECT count(*) FROM seven.opted_out"),)]
        assert sum(row[3] for row in rows_by_panel["Labels"]) == count("SELECT sum(clicks) FROM seven.links")
        assert sum(row[-1] for row in rows_by_panel["Calls by direction"]) == count("SELECT count(*) FROM seven.calls")
        assert rows_by_panel["Cost"] == [(sum(row[-1] for row in rows_by_panel["Cost by basis"]),)]


@pytest.mark.parametrize("column", HIDDEN)
def test_the_reader_sees_no_personal_data(reader: "psycopg.Connection[Any]", column: str):
    """Grafana's role cannot read numbers, texts, payloads or link targets."""
    table, _, name = column.partition(".")

    with pytest.raises(errors.InsufficientPrivilege):
        reader.execute(f"SELECT {name} FROM seven.{table}".encode())


def test_the_reader_sees_only_known_columns(reader: "psycopg.Connection[Any]"):
    """No column that a later version adds to a table or view opens by itself."""
    query = "SELECT table_name, column_name FROM information_schema.column_privileges WHERE grantee = 'seven_reader'"
    granted = reader.execute(query).fetchall()

    assert {table for table, column in granted if column == "recipient"} == {"inbound_messages"}
    assert {column for _, column in granted} <= OPEN


def test_the_reader_is_read_only(reader: "psycopg.Connection[Any]"):
    """Grafana's role cannot even create a temporary table."""
    with pytest.raises(errors.ReadOnlySqlTransaction):
        reader.execute("CREATE TEMPORARY TABLE notes (note text)")
