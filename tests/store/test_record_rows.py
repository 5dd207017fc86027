"""Record rows: written records are read back equal, from both databases."""

import pytest
from hypothesis import given
from sqlalchemy import Engine

from seven.record import Record, fold
from store.record_rows import read_records, row_key
from store.row_writer import Store
from tests.extent import examples
from tests.factories.rows import empty, scenarios


@examples(10, 30)
@given(scenario=scenarios())
def test_written_records_are_read_back(engine: Engine, scenario: list[Record]):
    """Each row is read back as the merged record; a missing row is left out."""
    empty(engine)
    Store(engine).write(scenario)
    with engine.connect().execution_options(reads=True) as connection:
        records = read_records(connection, [*(row_key(record) for record in scenario), ("messages", ("nowhere",))])
    assert records == {row_key(record): record for record in fold(scenario)}


@pytest.mark.parametrize("count", [0, 1, 501, 1200])
def test_many_rows_are_read_in_parts(engine: Engine, count: int):
    """However many rows are read, no statement has more parameters than a database accepts."""
    with engine.connect().execution_options(reads=True) as connection:
        row_keys = [("link_events", (str(n), "u", "click", n)) for n in range(count)]
        assert read_records(connection, row_keys) == {}
