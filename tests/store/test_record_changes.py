"""Record changes: the predicted changes of a write are those that it makes, in both databases."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from hypothesis import given
from sqlalchemy import Engine, event

from seven.aggregates import aggregates
from seven.joins import Join
from seven.record import JOINS, Record
from seven.records import RECORDS, Call, CallStatus
from store.archive import Scope, archived, census
from store.engine import create_store_engine
from store.migrate import migrate
from store.record_rows import RowDifference, compare, read_records, records_of_subjects, row_differences, row_key
from store.row_writer import Store
from tests.extent import examples
from tests.factories.rows import NOON, empty, scenarios

CALL = Call(direction="outbound", call_id="1", status="completed", final=True, status_at=NOON, duration_s=42)


@examples(10, 30)
@given(before=scenarios(), written=scenarios())
def test_predicted_changes_happen(engine: Engine, before: list[Record], written: list[Record]):
    """Exactly the rows that an upsert changes are predicted, each as it is before and after."""
    empty(engine)
    keys = [row_key(record) for record in (*before, *written)]  # an earlier entry changes another of its history, too
    Store(engine).write(before)
    with engine.connect().execution_options(reads=True) as connection:
        predicted = row_differences(connection, written)
        stored_before = read_records(connection, keys)
    Store(engine).write(written)
    with engine.connect().execution_options(reads=True) as connection:
        stored_after = read_records(connection, keys)
    assert predicted == compare(stored_before, stored_after)
    assert {(change.table, change.key): change.after for change in predicted} == {
        key: stored_after.get(key)
        for key in stored_before | stored_after
        if stored_before.get(key) != stored_after.get(key)
    }


def test_a_change_names_the_fields_that_differ(engine: Engine):
    """A lower value changes nothing when merged, but does when it replaces; a new row names its fields with a value."""
    Store(engine).write([CALL])
    lower = replace(CALL, duration_s=4, status_at=NOON - timedelta(1))
    with engine.connect().execution_options(reads=True) as connection:
        assert row_differences(connection, [lower]) == []
        (new,) = row_differences(connection, [CallStatus(direction="outbound", call_id="1", status="busy", at=NOON)])
    (change,) = compare({row_key(CALL): CALL}, {row_key(lower): lower})
    assert change.fields == {"duration_s": (42, 4), "status_at": (NOON, NOON - timedelta(1))}
    assert (new.before, new.fields["status"]) == (None, (None, "busy"))
    assert RowDifference("calls", CALL.key, CALL, None).fields["duration_s"] == (42, None)


def test_no_table_is_scanned(tmp_path: Path):
    """Queries by row keys or by subjects use an index, so the size of the tables does not matter."""
    engine = create_store_engine(f"sqlite:///{tmp_path / 'seven.db'}")
    migrate(engine)
    queries: list[tuple[str, Any]] = []
    event.listen(engine, "before_cursor_execute", lambda *arguments: queries.append((arguments[2], arguments[3])))
    with engine.connect().execution_options(reads=True) as connection:
        for record in RECORDS:
            names = JOINS[record].names(Join.KEY)
            read_records(
                connection, [(record.table, tuple(NOON if name == "at" else str(n) for name in names)) for n in "12"]
            )
        for aggregate in aggregates():
            records_of_subjects(connection, aggregate, ["1 1", "2 2"])
            census(connection, aggregate, ["1", "2"], Scope(event_type="dlr"))
            list(archived(connection, aggregate, ["1", "2"]))
        plans = [
            connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}", parameters).all()
            for query, parameters in [*queries]
        ]
    engine.dispose()
    assert len(plans) > 20
    assert not [step for plan in plans for *_, step in plan if str(step).startswith("SCAN")]
