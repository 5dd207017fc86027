"""Change rows: all changes of a transaction are added, however many those are."""

import pytest
from sqlalchemy import Engine

from tests.factories.changes import at_second, noted, write


@pytest.mark.parametrize("number", [1, 64, 65, 150])
def test_all_changes_of_a_transaction(engine: Engine, number: int):
    """Each with its own columns, and in SQLite marked as handed out: what is new, its numbers tell."""
    ids, statuses = [f"{n:03}" for n in range(number)], ("DELIVERED", "ACCEPTED", "EXPIRED")
    reports = [
        ("dlr", {"msg_id": id_, "status": statuses[n % 3], "timestamp": at_second(n)}) for n, id_ in enumerate(ids)
    ]
    write(engine, [reports])
    rows = noted(engine)
    assert [row.key for row in rows] == ids
    for n, row in enumerate(rows):
        assert (row.was, row.now, row.at.timestamp()) == (None, statuses[n % 3], at_second(n))
        assert row.delivery_id.endswith(f"{n:012d}")
        assert (row.any_age, row.reaction) == (None, None)
        assert (row.fanned_out_at is None) == (engine.dialect.name == "postgresql")
        assert row.noted_at.tzinfo is not None
