"""Changes: what a database notes is what the joins in Python say, whatever it refuses of a transaction."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from operator import itemgetter
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, delete

from seven.changes import WATCHES
from seven.joins import Join
from seven.record import JOINS, Record, fold
from seven.records import RECORDS, Call, LinkEvent, MessageStatus
from store.row_writer import Store
from store.schema import changes
from tests.extent import examples
from tests.factories.changes import EVERYTHING, NOON, noted
from tests.factories.rows import TEXTS, empty, records_of

UNWRITABLE = MessageStatus("77", "\ud800", NOON)
"""Refused by both databases, after calls, clicks and messages of its group were written."""
ODD_KEYS = st.builds(
    LinkEvent,
    *(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=2) for _ in range(2)),
    st.sampled_from(["click", "view"]),
    st.integers(0, 2**31 - 1),
    st.sampled_from([NOON.astimezone(timezone(timedelta(hours=hours))) for hours in (-2, 2)]),
)
"""Any text that events have in keys, and times of other zones."""
INBOUND_CALLS = records_of(Call).map(lambda call: replace(call, direction="inbound"))
WATCHED = st.one_of(ODD_KEYS, INBOUND_CALLS, *(records_of(record) for record in RECORDS if record.table in WATCHES))
TRANSACTIONS = st.lists(
    st.lists(st.tuples(st.lists(WATCHED, min_size=1, max_size=5), st.booleans()), max_size=4), max_size=4
)
"""Groups of records, each with whether it is refused."""

TOPICS = EVERYTHING | {f"message.{result}" for result in TEXTS}

Change = tuple[str, str, str | None, str, datetime | None]


class Rows:
    """Rows by the joins of the records."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, Any], Record] = {}

    def write(self, records: Sequence[Record]) -> Iterator[Change]:
        """Merge records; yields how the rows changed."""
        for record in fold(records):
            before = self._rows.get((record.table, record.key))
            after = self._rows[record.table, record.key] = before.merge(record) if before else record
            for change in WATCHES[record.table].compare(before and _values(before), _values(after)):
                yield change.topic, change.key, change.was, change.now, change.at


def _values(record: Record) -> dict[str, Any]:
    names = (*JOINS[type(record)].names(Join.KEY), *WATCHES[record.table].columns)
    return {name: getattr(record, name) for name in names}


@examples(30, 300)
@given(transactions=TRANSACTIONS, one_by_one=st.booleans())
def test_changes_are_those_of_the_joins(
    engine: Engine, transactions: list[list[tuple[list[Record], bool]]], one_by_one: bool
):
    """Each once, with its time; of a group that is refused none, also where a later one has the same rows."""
    empty(engine)
    with engine.begin() as connection:
        connection.execute(delete(changes))
    rows, store = Rows(), Store(engine).noting(TOPICS)
    expected: list[Change] = []
    for groups in transactions:
        if one_by_one:
            store.write_apart([[*group, UNWRITABLE] if refused else group for group, refused in groups], lambda *_: ())
            expected += [change for group, refused in groups if not refused for change in rows.write(group)]
        else:
            records = [record for group, _ in groups for record in group]
            store.write(records)
            expected += rows.write(records)
    changed = [(row.topic, row.key, row.was, row.now, row.at) for row in noted(engine)]
    of_key = itemgetter(1)  # of each record in their order
    assert sorted(changed, key=of_key) == sorted(expected, key=of_key)
