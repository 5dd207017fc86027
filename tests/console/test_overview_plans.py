"""Plans of the overview's queries: each is answered by an index, however large the tables are."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import event, text

from console.pages.overview import KINDS, HourlyKind
from operations.trace import latest_deliveries
from tests.shared_rows import SharedRows, no_rows

NOON = datetime(2026, 3, 29, 12, tzinfo=UTC)
LATEST = HourlyKind("latest", "", "", lambda connection, _: {"": len(latest_deliveries(connection))})
RESULTS = ("anon_1", "delivery_rates")
"""Results within a query, which SQLite scans: a subquery's, and those of a view."""


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
@pytest.mark.parametrize("kind", [*KINDS, LATEST], ids=lambda kind: kind.name)
def test_no_table_is_scanned(dialect: str, shared_rows: SharedRows, kind: HourlyKind):
    """With empty tables PostgreSQL would scan: so it is told that a scan is dear, and takes one only without an index."""
    statements: list[tuple[str, Any]] = []
    with shared_rows.engine(dialect, no_rows).connect() as connection:
        event.listen(connection, "before_cursor_execute", lambda *call: statements.append((call[2], call[3])))
        if dialect == "postgresql":
            connection.execute(text("SET LOCAL enable_seqscan = off"))
        kind.count_hour(connection, NOON)
        statement, parameters = statements[-1]
        explain = "EXPLAIN" if dialect == "postgresql" else "EXPLAIN QUERY PLAN"
        cursor: Any = connection.connection.dbapi_connection
        plan = [str(row[-1]) for row in cursor.execute(f"{explain} {statement}", parameters).fetchall()]

    scans = [step for step in plan if "Seq Scan" in step or (step.startswith("SCAN") and "USING" not in step)]
    assert [step for step in scans if not step.endswith(RESULTS)] == [], plan
