"""Change rows: however many records there are, those of changes are read by index, or at worst with one look at a table."""

import pytest
from sqlalchemy import Engine, event

from reactions.change_rows import read_changes
from tests.reactions.claims import claim
from tests.shared_rows import SharedRows, no_rows

KEYS = {
    "message.failed": ("77", "FAILED"),
    "inbound.received": ("901", "received"),
    "call.status": ("inbound 301", "completed"),
    "link.clicked": ("77 https://go.example click 1", "click"),
    "webhook.missed": ("dlr 77 FAILED", "FAILED"),
    "opt_out.started": ("901", "out"),
}


def plan(engine: Engine, topic: str) -> list[str]:
    """The steps of the statement that reads the records of a topic, scans of tables forbidden where they can be."""
    key, now = KEYS[topic]
    statements: list[tuple[str, object]] = []
    is_file = engine.dialect.name == "sqlite"
    with engine.connect().execution_options(reads=True) as connection:
        event.listen(connection, "before_cursor_execute", lambda *call: statements.append((call[2], call[3])))
        read_changes(connection, [claim(topic, key, now)])
        statement, values = statements[-1]
        if not is_file:
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        rows = connection.exec_driver_sql(f"EXPLAIN {'QUERY PLAN ' if is_file else ''}{statement}", values)  # type: ignore[arg-type]
        return [str(row[3] if is_file else row[0]).strip() for row in rows]


@pytest.mark.parametrize("topic", KEYS)
def test_records_are_read_by_index(shared_rows: SharedRows, dialect: str, topic: str):
    """Opt-outs, by their messages, with one look at their history: never one for each change."""
    steps = plan(shared_rows.engine(dialect, no_rows), topic)
    tables = [step for step in steps if step.startswith(("SCAN main", "Seq Scan", "->  Seq Scan"))]
    if topic == "opt_out.started":
        assert all("opt_out_events" in step for step in tables)
        assert dialect == "postgresql" or [step for step in steps if step.startswith("LIST SUBQUERY")]
        return
    assert tables == []
    assert [step for step in steps if "Index" in step or "USING" in step]
