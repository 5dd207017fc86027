"""Forgotten opt-outs: those of a forgotten number stand under its hash, for nobody may write to it again.

Their rows are joined with those that stand there already, so it may be repeated, and beside workers.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from sqlalchemy import Connection, Engine, Table, delete

from seven.data_subject import Number
from seven.digest import is_short_digest
from seven.forgotten_numbers import ErasureKey
from seven.record import fold
from seven.records import OptOut, OptOutEvent
from store.record_rows import select_records
from store.row_writer import merge_rows
from store.schema import opt_out_events, opt_outs

_TABLES: tuple[tuple[Table, type[OptOut] | type[OptOutEvent]], ...] = (
    (opt_out_events, OptOutEvent),
    (opt_outs, OptOut),
)
"""In the order in which all writers write them."""


def count_opt_outs(engine: Engine, key: ErasureKey, person: Number) -> Counter[str]:
    """The rows that `move_opt_outs` would change, by table; tables without any are left out."""
    with engine.connect().execution_options(reads=True) as connection:
        return Counter({table.name: len(records) for table, records, _ in _to_move(connection, key, person)})


def move_opt_outs(connection: Connection, key: ErasureKey, person: Number) -> list[tuple[str, int]]:
    """Put the opt-outs of a number under its hash. Returns how many rows of each table."""
    counts: list[tuple[str, int]] = []
    for table, records, moved in _to_move(connection, key, person):
        for record in records:
            same = (column == getattr(record, column.name) for column in table.primary_key)
            connection.execute(delete(table).where(*same))
        merge_rows(connection, fold(moved))
        counts.append((table.name, len(records)))
    return counts


def _to_move(
    connection: Connection, key: ErasureKey, person: Number
) -> Iterator[tuple[Table, list[OptOut | OptOutEvent], list[OptOut | OptOutEvent]]]:
    """Of each table with any the records that name the number, and what becomes of them.

    Under the hash, too, there may be what was made of the number since.
    """
    hash_ = key.hash(person.digits)
    for table, kind in _TABLES:
        rows = connection.execute(select_records(table.name, table.c.number.in_((person.digits, hash_)))).mappings()
        records = [kind(**row) for row in rows]
        moved = [_moved(record, key, person) for record in records]
        pairs = [(record, new) for record, new in zip(records, moved, strict=True) if record != new]
        if pairs:
            yield table, [record for record, _ in pairs], [new for _, new in pairs]


def _moved(record: OptOut | OptOutEvent, key: ErasureKey, person: Number) -> OptOut | OptOutEvent:
    """The id of a message may be made of the number, and the note of an entry made by hand may name it."""
    id_ = record.inbound_id
    return replace(
        record,
        number=key.hash(person.digits),
        inbound_id=key.pseudonym(id_) if id_ and is_short_digest(id_) else id_ or "",
        word=None if record.word is not None and person.is_in(record.word) else record.word,
    )
