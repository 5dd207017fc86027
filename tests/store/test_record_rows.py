"""Reading: what was written comes back as the same records, from both databases."""

import pytest
from hypothesis import HealthCheck, given, settings
from sqlalchemy import Engine

from seven.records import Record, fold
from store.record_rows import kept, place
from store.row_writer import Store
from tests.factories.rows import empty, stories


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(story=stories())
def test_what_was_written_is_read(engine: Engine, story: list[Record]):
    """Every record comes back as it was joined, at its place; a place where nothing is kept is left out."""
    empty(engine)
    Store(engine).write(story)
    with engine.connect().execution_options(reads=True) as connection:
        found = kept(connection, [*(place(record) for record in story), ("messages", ("nowhere",))])
    assert found == {place(record): record for record in fold(story)}


@pytest.mark.parametrize("count", [0, 1, 501, 1200])
def test_many_places_are_read_in_parts(engine: Engine, count: int):
    """However many places are asked for, no statement has more parameters than a database takes."""
    with engine.connect().execution_options(reads=True) as connection:
        places = [("link_events", (str(n), "u", "click", n)) for n in range(count)]
        assert kept(connection, places) == {}
