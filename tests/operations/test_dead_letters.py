"""Selecting deliveries that were not applied: exactly the matching ones, in both databases."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event

from operations.dead_letters import Selection, count_groups, list_unapplied
from seven.archive_records import ArchivedDelivery
from store.engine import create_store_engine
from store.migrate import migrate
from store.row_writer import Store
from tests.factories.dead_letters import ALL, ids
from tests.factories.envelopes import NOW


@pytest.fixture
def many(engine: Engine) -> Engine:
    """Three parked, two dead, one quarantined, one applied, received an hour apart."""
    rows = [
        ("0", "parked", "dlr", "dlr: status: missing or empty"), ("1", "parked", "mms", "an event type not known here"),
        ("2", "parked", "mms", "an event type not known here"), ("3", "dead", "dlr", "could not be projected: KeyError"),
        ("4", "dead", "dlr", "refused by the database: DataError 22003"), ("5", "quarantined", "dlr", "100% odd_one"),
        ("6", "applied", "dlr", None),
    ]  # fmt: skip
    Store(engine).write(
        ArchivedDelivery(
            id=name, outcome=outcome, event_type=event_type, reason=reason, received_at=NOW + timedelta(hours=n),
            payload="{}", digest="d",
        )
        for n, (name, outcome, event_type, reason) in enumerate(rows)
    )  # fmt: skip
    return engine


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        pytest.param(Selection(), "543210", id="all"),
        pytest.param(Selection(limit=2), "54", id="the newest"),
        pytest.param(Selection(ids=("3", "6", "9")), "3", id="by id"),
        pytest.param(Selection(ids=tuple(map(str, range(2000)))), "543210", id="by very many ids"),
        pytest.param(Selection(outcomes=("dead",)), "43", id="by outcome"),
        pytest.param(Selection(outcomes=("applied",)), "", id="never applied deliveries"),
        pytest.param(Selection(event_types=("mms", "x")), "21", id="by event type"),
        pytest.param(Selection(reason="DATAbase"), "4", id="by a part of the reason"),
        pytest.param(Selection(reason="100% odd_"), "5", id="by wildcards of SQL, taken literally"),
        pytest.param(Selection(reason="1%o"), "", id="a wildcard matches nothing"),
        pytest.param(Selection(since=NOW + timedelta(hours=4)), "54", id="since"),
        pytest.param(Selection(until=NOW + timedelta(hours=1)), "0", id="until"),
        pytest.param(
            Selection(event_types=("dlr",), reason="status", until=NOW + timedelta(days=1)), "0", id="by several fields"
        ),
    ],
)
def test_a_selection_matches_exactly(many: Engine, selection: Selection, expected: str):
    """Selects by id, outcome, event type, reason and time, newest first, and never an applied delivery."""
    assert ids(many, selection) == [*expected]
    with many.connect().execution_options(reads=True) as connection:
        assert [row["id"] for row in list_unapplied(connection, selection)] == [*expected]
        counts = count_groups(connection, selection)
    assert selection.limit or sum(group["deliveries"] for group in counts) == len(expected)


def test_the_largest_group_comes_first(many: Engine):
    """Each outcome, event type and reason is one group."""
    with many.connect().execution_options(reads=True) as connection:
        first = count_groups(connection, ALL)[0]
    assert first == {
        "outcome": "parked", "event_type": "mms", "reason": "an event type not known here", "deliveries": 2
    }  # fmt: skip


def test_the_partial_index_is_used(tmp_path: Path):
    """Queries read only deliveries that were not applied, however many were."""
    engine = create_store_engine(f"sqlite:///{tmp_path / 'seven.db'}")
    migrate(engine)
    statements: list[Any] = []
    event.listen(engine, "before_cursor_execute", lambda *arguments: statements.append(arguments[2:4]))
    for selection in (ALL, Selection(outcomes=("dead",), reason="x"), Selection(limit=3)):
        with engine.connect().execution_options(reads=True) as connection:
            list_unapplied(connection, selection)
            count_groups(connection, selection)
    with engine.connect().execution_options(reads=True) as connection:
        plans = [
            connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}", values).all() for query, values in [*statements]
        ]
    engine.dispose()
    assert len(plans) > 5
    assert not [step for plan in plans for *_, step in plan if str(step).startswith("SCAN deliveries")]
