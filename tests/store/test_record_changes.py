"""Comparing: what is foretold of a write is what it does, in both databases."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from sqlalchemy import Engine, event

from seven.aggregates import aggregates
from seven.joins import Join
from seven.records import RECORDS, SHAPES, Call, CallStatus, Record
from store.archive import Scope, archived, census
from store.engine import create_store_engine
from store.migrate import migrate
from store.record_rows import Change, changes, compared, kept, kept_of, place
from store.row_writer import Store
from tests.factories.rows import NOON, empty, stories

CALL = Call(direction="outbound", call_id="1", status="completed", final=True, status_at=NOON, duration_s=42)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=stories(), told=stories())
def test_what_is_foretold_happens(engine: Engine, before: list[Record], told: list[Record]):
    """Each row that an upsert would change is told as it is and as it becomes, and no other."""
    empty(engine)
    Store(engine).write(before)
    with engine.connect().execution_options(reads=True) as connection:
        foretold = changes(connection, told)
        was = kept(connection, [place(record) for record in told])
    Store(engine).write(told)
    with engine.connect().execution_options(reads=True) as connection:
        came = kept(connection, [place(record) for record in told])
    assert foretold == compared(was, came)
    assert {(one.table, one.key): one.after for one in foretold} == {
        where: record for where, record in came.items() if was.get(where) != record
    }


def test_a_change_names_the_fields_that_differ(engine: Engine):
    """Joined, a lower value changes nothing; replaced, it does; a new row names what it says."""
    Store(engine).write([CALL])
    lower = replace(CALL, duration_s=4, status_at=NOON - timedelta(1))
    with engine.connect().execution_options(reads=True) as connection:
        assert changes(connection, [lower]) == []
        (change,) = changes(connection, [lower], replace=True)
        (new,) = changes(connection, [CallStatus(direction="outbound", call_id="1", status="busy", at=NOON)])
    assert change.fields == {"duration_s": (42, 4), "status_at": (NOON, NOON - timedelta(1))}
    assert (new.before, new.fields["status"]) == (None, (None, "busy"))
    assert Change("calls", CALL.key, CALL, None).fields["duration_s"] == (42, None)


def test_no_table_is_scanned(tmp_path: Path):
    """However large the tables: what is kept at some places, or of some subjects, is found by an index."""
    engine = create_store_engine(f"sqlite:///{tmp_path / 'seven.db'}")
    migrate(engine)
    asked: list[tuple[str, Any]] = []
    event.listen(engine, "before_cursor_execute", lambda *told: asked.append((told[2], told[3])))
    with engine.connect().execution_options(reads=True) as connection:
        for record in RECORDS:
            names = SHAPES[record].names(Join.KEY)
            kept(connection, [(record.table, tuple(NOON if name == "at" else str(n) for name in names)) for n in "12"])
        for family in aggregates():
            kept_of(connection, family, ["1 1", "2 2"])
            census(connection, family.event_types, ["1", "2"], Scope(event_type="dlr"))
            list(archived(connection, family.event_types, ["1", "2"]))
        plans = [connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}", told).all() for query, told in [*asked]]
    engine.dispose()
    assert len(plans) > 20
    assert not [step for plan in plans for *_, step in plan if str(step).startswith("SCAN")]
