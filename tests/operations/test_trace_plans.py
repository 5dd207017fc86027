"""Trace reads large tables by their indexes alone, whatever is looked up, on both databases."""

from typing import Any

import pytest
from sqlalchemy import event

from operations.trace import deliveries_around, trace_story
from tests.factories.story import NOON, delivery_id, write_story
from tests.shared_rows import SharedRows

LOOK_UPS = ("77", "ORDER-1", "outbound 300", "901", "go.example/1", "spring sale", "0044 7700 900001", delivery_id(2))


@pytest.mark.parametrize("look_up", [*LOOK_UPS, "around"])
def test_no_table_is_scanned(dialect: str, shared_rows: SharedRows, look_up: str):
    """No plan of a look-up has a scan of a table, so it is as quick beside two million messages."""
    engine = shared_rows.engine(dialect, write_story)
    queries: list[tuple[str, Any]] = []
    with engine.connect().execution_options(reads=True) as connection:
        event.listen(connection, "before_cursor_execute", lambda *args: queries.append((args[2], args[3])))
        if look_up == "around":
            deliveries_around(connection, NOON)
        else:
            trace_story(connection, look_up)
    postgres = engine.dialect.name == "postgresql"
    with engine.connect().execution_options(reads=True) as connection:
        if postgres:
            connection.exec_driver_sql("SET enable_seqscan = off")
        explain = "EXPLAIN" if postgres else "EXPLAIN QUERY PLAN"
        steps = [
            str(row[-1])
            for sql, values in [*queries]
            if "FROM " in sql  # not what begins a transaction
            for row in connection.exec_driver_sql(f"{explain} {sql}", values)
        ]
    assert steps
    assert not [step for step in steps if "Seq Scan on" in step or step.startswith("SCAN main.")]
