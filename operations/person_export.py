"""Person export: everything kept about one person, entry by entry, found where `forget` looks.

An entry is a row with all its columns, a record's also with its history. Where a row is another person's and only names
this one, the entry of a record has what names them, and no more.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby, islice
from typing import Any

from sqlalchemy import Connection, Engine, Table, and_, select

from ledger.client import Ledger
from operations.erasure_matches import aggregate_of
from operations.person_search import Match, PersonSearch
from seven.data_subject import DataSubject, Number
from seven.forgotten_numbers import ErasureKey
from seven.record import Record
from store.forgotten import OptOutKeys
from store.personal_columns import RECORDS
from store.record_rows import among
from store.schema import (
    SCHEMA,
    dead_letter_failures,
    dead_letters,
    deliveries,
    metadata,
    opt_out_events,
    opt_outs,
)

SECTIONS = (
    *dict.fromkeys(personal.table.name for personal in RECORDS),
    opt_outs.name,
    *(table.name for table in (deliveries, dead_letters, dead_letter_failures)),
)
"""The tables, in the order in which entries come."""
_AT_ONCE = 100
_OF_RECORDS = {personal.table.name for personal in RECORDS}
_JSON = ("payload", "envelope")
"""Columns with JSON as text."""

Entry = dict[str, Any]


class PersonExport:
    """One export. Raises SQLAlchemyError or RedisError."""

    def __init__(
        self, engine: Engine, ledger: Ledger, person: DataSubject, erasure_key: ErasureKey | None = None
    ) -> None:
        """`erasure_key`: finds the opt-outs of a number that was forgotten."""
        self._engine, self._person, self._erasure_key = engine, person, erasure_key
        self._search = PersonSearch(engine, ledger, person)
        self.waiting = 0
        """Deliveries about the person that wait in the ledger and are not among the entries; known with the last."""

    def size(self) -> int:
        """The number of rows to search."""
        return self._search.size()

    def entries(self, on_progress: Callable[[int], None]) -> Iterator[tuple[str, Entry]]:
        """Every entry with its section. `on_progress` takes numbers of rows searched, and may raise to stop."""
        self._search.on_progress = on_progress
        yield from self._complete(self._search.records())
        yield from self._opt_outs()
        self.waiting = sum(number for _, number in self._search.pending())
        yield from self._complete(self._search.deliveries())

    def _opt_outs(self) -> Iterator[tuple[str, Entry]]:
        """The opt-outs of a number, which stand under its digits; if it was forgotten, under its hash."""
        if not isinstance(self._person, Number):
            return
        with self._engine.connect().execution_options(reads=True) as connection:
            keys = OptOutKeys(connection, self._erasure_key).of(self._person.digits)
            query = select(opt_outs).where(opt_outs.c.number.in_(keys))
            for row in connection.execute(query.order_by(*opt_outs.primary_key)).mappings().all():
                of = and_(*(opt_out_events.c[name] == row[name] for name in ("number", "recipient", "channel")))
                events = connection.execute(select(opt_out_events).where(of).order_by(opt_out_events.c.at)).mappings()
                entry = {"matched_by": "record", **row, opt_out_events.name: [dict(event) for event in events]}
                yield opt_outs.name, entry

    def _complete(self, matches: Iterable[Match]) -> Iterator[tuple[str, Entry]]:
        for table, of_table in groupby(matches, key=lambda match: match.personal.table):
            while portion := list(islice(of_table, _AT_ONCE)):
                with self._engine.connect().execution_options(reads=True) as connection:
                    entries = _entries(connection, table, portion)
                yield from ((table.name, entry) for entry in entries)


def _entries(connection: Connection, table: Table, matches: Sequence[Match]) -> list[Entry]:
    """The entries of these rows of one table. A row that has gone meanwhile has none."""
    key = list(table.primary_key)
    query = select(table).where(among(key, [match.key for match in matches]))
    rows = {tuple(row[column.name] for column in key): dict(row) for row in connection.execute(query).mappings()}
    kept = [(match, rows[match.key]) for match in matches if match.key in rows]
    if table.name not in _OF_RECORDS:
        return [_marked(match, _readable(row)) for match, row in kept]
    histories = _histories(connection, table, [match.key for match, _ in kept if match.about])
    return [
        _marked(match, {**row, **histories[match.key]} if match.about else _mention(match, row)) for match, row in kept
    ]


def _marked(match: Match, entry: Entry) -> Entry:
    return {"matched_by": "record" if match.about else "content", **entry}


def _mention(match: Match, row: Entry) -> Entry:
    """Of another person's record: its key, and what names this person."""
    columns = match.blanking.columns if match.blanking else ()
    return {name: row[name] for name in (*(column.name for column in match.personal.table.primary_key), *columns)}


def _histories(
    connection: Connection, table: Table, keys: Sequence[tuple[object, ...]]
) -> dict[tuple[object, ...], Entry]:
    """For each key the record's history, as a list under the name of its table; nothing for a record without one."""
    aggregate = aggregate_of(table.name)
    histories: dict[tuple[object, ...], Entry] = {
        key: {history.table: [] for history in aggregate.records[1:]} for key in keys
    }
    for history in aggregate.records[1:] if keys else ():
        for row in _history_rows(connection, history, aggregate.subject_fields, keys):
            key = tuple(row.pop(name) for name in aggregate.subject_fields)
            histories[key][history.table].append(row)
    return histories


def _history_rows(
    connection: Connection, history: type[Record], fields: Sequence[str], keys: Sequence[tuple[object, ...]]
) -> Iterator[Entry]:
    table = metadata.tables[f"{SCHEMA}.{history.table}"]
    query = select(table).where(among([table.c[name] for name in fields], keys)).order_by(*table.primary_key)
    return (dict(row) for row in connection.execute(query).mappings())


def _readable(row: Entry) -> Entry:
    """A delivery or dead letter whose JSON is JSON, and no text; what is no JSON stays as it is stored."""
    for name in _JSON:
        if row.get(name):
            try:
                row[name] = json.loads(row[name])
            except (ValueError, RecursionError):
                continue
    return row
