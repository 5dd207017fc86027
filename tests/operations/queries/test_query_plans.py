"""Plans of named queries: an index answers each of them, so that it takes no longer as tables grow."""

import re
from collections.abc import Mapping
from typing import Any

import pytest
from sqlalchemy import Connection

from operations.queries import QUERIES, NamedQuery
from store.schema import metadata
from tests.operations.queries.known_rows import NOW
from tests.shared_rows import SharedRows, no_rows

TABLES = {table.name for table in metadata.sorted_tables}
SMALL = {"opt_out_events"}
"""Tables that may be read as a whole: a stop word is rare."""
ALIASES = {"message", "history", "call", "link", "event", "sent"}
NEEDED: Mapping[str, dict[str, str]] = {"person": {"number": "4915112345678"}}


@pytest.mark.parametrize("name", QUERIES)
def test_no_table_is_scanned(dialect: str, shared_rows: SharedRows, name: str):
    """Neither database reads a whole table of records or deliveries; of a partition neither, however few its rows."""
    query = QUERIES[name]
    values = query.values(NEEDED.get(name, {}), now=NOW)
    engine = shared_rows.engine(dialect, no_rows)
    with engine.begin() as connection:
        scanned = (_scanned_by_sqlite if engine.dialect.name == "sqlite" else _scanned_by_postgresql)(
            connection, query, values
        )
    assert not scanned


def _scanned_by_postgresql(connection: Connection, query: NamedQuery, values: Mapping[str, Any]) -> list[str]:
    """With scans at the highest price: on empty tables everything else would be dearer."""
    connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
    plan = connection.exec_driver_sql(f"EXPLAIN {query.sql_with(values, 'postgresql')}".replace("%", "%%")).scalars()
    return [line for line in plan if "Seq Scan" in line]


def _scanned_by_sqlite(connection: Connection, query: NamedQuery, values: Mapping[str, Any]) -> list[str]:
    plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query.sql_with(values, 'sqlite')}").all()
    scans = [re.match(r"SCAN (\w+)\b(?! USING INDEX ix_links_first_at$)", row[-1]) for row in plan]
    return [scan[0] for scan in scans if scan and scan[1] in TABLES - SMALL | ALIASES]
