"""Plans of the lists: each page is read by an index, in its order, in both databases."""

from typing import Any

import pytest
from sqlalchemy import Connection, event, text

from operations.record_lists import LISTS
from tests.shared_rows import SharedRows, no_rows

FILTERS = [
    pytest.param("messages", {}, id="messages"),
    pytest.param("messages", {"result": "failed"}, id="failed messages"),
    pytest.param("messages", {"status": "EXPIRED"}, id="messages by status"),
    pytest.param("messages", {"open_hours": "24"}, id="open messages"),
    pytest.param("messages", {"since": "2026-03-29"}, id="messages by day"),
    pytest.param("sent", {}, id="sent"),
    pytest.param("sent", {"label": "spring", "result": "no report"}, id="sent with a label"),
    pytest.param("sent", {"result": "failed"}, id="sent and failed"),
    pytest.param("sent", {"label": "spring", "result": "failed"}, id="sent with a label, and failed"),
    pytest.param("missed", {}, id="missed webhooks"),
    pytest.param("missed", {"state": "uncovered", "since": "2026-03-29"}, id="uncovered webhooks by day"),
    pytest.param("inbound", {"until": "2026-03-29"}, id="inbound SMS by day"),
    pytest.param("opt-outs", {}, id="opt-outs"),
    pytest.param("opt-outs", {"channel": "sms", "since": "2026-03-29"}, id="opt-outs by day"),
    pytest.param("calls", {"direction": "inbound"}, id="inbound calls"),
    pytest.param("links", {}, id="links"),
    pytest.param("links", {"label": "spring", "clicked": "yes"}, id="links of a label"),
    pytest.param("deliveries", {"event_type": "rcs"}, id="deliveries by event type"),
    pytest.param("deliveries", {"outcome": "parked"}, id="parked deliveries"),
    pytest.param("deliveries", {"since": "2026-03-29", "until": "2026-03-29"}, id="deliveries of a day"),
    pytest.param("deliveries", {"outcome": "applied"}, id="applied deliveries"),
    pytest.param("messages", {"result": "delivered"}, id="delivered messages"),
    pytest.param("dead-letters", {}, id="dead letters"),
    pytest.param("dead-letters", {"outcome": "dead"}, id="dead letters of one outcome"),
]
CURSORS = {
    "messages": '["2026-03-29T12:00:00+00:00", "7"]',
    "sent": '["2026-03-29T12:00:00+00:00", "7"]',
    "missed": '["2026-03-29T12:00:00+00:00", "dlr", "7", "DELIVERED"]',
    "inbound": '["2026-03-29T12:00:00+00:00", "7"]',
    "opt-outs": '["2026-03-29T12:00:00+00:00", "7", "", "sms"]',
    "calls": '["2026-03-29T12:00:00+00:00", "inbound", "7"]',
    "links": '["2026-03-29T12:00:00+00:00", "7", "https://ul.gl/x"]',
    "deliveries": '["019d3a5c-0000-7000-8000-000000000000"]',
    "dead-letters": '["019d3a5c-0000-7000-8000-000000000000"]',
}


def _plans(connection: Connection, name: str, texts: dict[str, str], after: str) -> list[tuple[str, list[str]]]:
    """How the database reads a page: every statement, and the lines of its plan."""
    statements: list[tuple[str, Any]] = []
    record_list = LISTS[name]

    def remember(*call: Any) -> None:
        statements.append((call[2], call[3]))

    event.listen(connection, "before_cursor_execute", remember)
    record_list.page(connection, record_list.parse(texts), record_list.cursor(after))
    event.remove(connection, "before_cursor_execute", remember)
    explain = "EXPLAIN QUERY PLAN" if connection.dialect.name == "sqlite" else "EXPLAIN"
    return [
        (statement, [str(row[-1]).strip() for row in connection.exec_driver_sql(f"{explain} {statement}", values)])
        for statement, values in statements
    ]


@pytest.mark.parametrize("after", ["", "later"], ids=["first page", "later page"])
@pytest.mark.parametrize(("name", "texts"), FILTERS)
def test_a_page_is_read_by_an_index(
    dialect: str, shared_rows: SharedRows, name: str, texts: dict[str, str], after: str
):
    """No table is scanned, and nothing is sorted but rows of one time; PostgreSQL is kept from scanning tables that are empty."""
    engine = shared_rows.engine(dialect, no_rows)
    with engine.connect().execution_options(reads=True) as connection:
        if connection.dialect.name == "postgresql":
            for method in ("seqscan", "bitmapscan", "sort"):
                connection.execute(text(f"SET LOCAL enable_{method} = off"))
        plans = _plans(connection, name, texts, CURSORS[name] if after else "")
    assert plans
    for statement, plan in plans:
        assert "IS NOT NULL" not in statement  # SQLite scans for that from 3.51 on, whichever version runs this
        looks_ahead = statement.startswith(
            "WITH"
        )  # the keys that one page may look at: sorted to know the last of them
        assert not [line for line in plan if "Seq Scan" in line or _is_scan(line)], plan
        assert looks_ahead or "USE TEMP B-TREE FOR ORDER BY" not in plan, plan


def _is_scan(line: str) -> bool:
    """Whether SQLite reads a whole table; the rows that a page looks at are none."""
    return line.startswith("SCAN ") and " USING " not in line and line != "SCAN ahead"
