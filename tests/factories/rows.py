"""Rows: records of every table with unusual values, for the tests, and the rows of a database."""

import random
from collections.abc import Iterable
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st
from sqlalchemy import Boolean, Engine, select
from sqlalchemy.types import BigInteger, Double, Integer

from seven.joins import Join
from seven.record import JOINS, Record, fold
from seven.records import RECORDS, InboundMessage, OptOutEvent
from store.schema import SCHEMA, metadata
from store.types import Euros, Time

NOON = datetime(2026, 3, 29, 12, tzinfo=UTC)

# Small pools, so that ties occur. The texts sort differently by code point, by UTF-16 and by any language's rules.
TEXTS = ["", "0", "10", "9", "B", "a", "a ", "Ä", "ß", "\uffff", "\U00010000", "'; --", "\ufffd", "ACCEPTED"]
TIMES = [NOON, NOON + timedelta(microseconds=1), NOON + timedelta(hours=1), datetime(2000, 1, 1, tzinfo=UTC)]
DEGREES = [-90.0, 0.0, 52.520008, 180.0]
NUMBERS = [0, 1, 9, 10, 2**31 - 1]
PRICES = [Decimal(0), Decimal("0.075"), Decimal("0.07500001"), Decimal("9.9"), Decimal("9999999.99999999")]


def _values(record: type[Record], name: str) -> list[Any]:
    declared, kind = JOINS[record].field_joins[name], metadata.tables[f"{SCHEMA}.{record.table}"].c[name].type
    if declared.order:
        pool: list[Any] = list(declared.order)
    elif isinstance(kind, Boolean):
        pool = [False, True]
    elif isinstance(kind, (Integer, BigInteger)):
        pool = NUMBERS
    elif isinstance(kind, Time):
        pool = TIMES
    elif isinstance(kind, Euros):
        pool = PRICES
    elif isinstance(kind, Double):
        pool = DEGREES
    else:
        pool = TEXTS
    return pool[:3] if declared.join is Join.KEY else [None, *pool]


def records_of(record: type[Record]) -> st.SearchStrategy[Record]:
    """Any record of one class; but inbound messages of one sender, who may have any id (`store/inbound_ids.py`)."""
    if record is InboundMessage:
        names = [field.name for field in fields(record) if field.name != "sender"]
        values = {name: st.sampled_from(_values(record, name)) for name in names}
        return st.builds(record, sender=st.sampled_from(["+4915112345678", "4915112345678"]), **values)
    return st.builds(record, **{field.name: st.sampled_from(_values(record, field.name)) for field in fields(record)})


def scenarios() -> st.SearchStrategy[list[Record]]:
    """Records of all classes but entries of opt-outs, which come with their standing; many share a key."""
    return st.lists(st.one_of([records_of(record) for record in RECORDS if record is not OptOutEvent]), max_size=25)


def redelivered(scenario: list[Record], chance: random.Random) -> list[list[Record]]:
    """The same records in another order, with repeats, split into batches."""
    records = scenario + chance.choices(scenario, k=len(scenario) // 3) if scenario else []
    chance.shuffle(records)
    batches: list[list[Record]] = [[]]
    for record in records:
        if chance.random() < 0.3:
            batches.append([])
        batches[-1].append(record)
    return batches


def merged_rows(scenario: Iterable[Record]) -> dict[str, list[tuple[Any, ...]]]:
    """The rows that the tables should have, by the joins in Python."""
    rows: dict[str, list[tuple[Any, ...]]] = {record.table: [] for record in RECORDS}
    for record in fold(scenario):
        rows[record.table].append(tuple(getattr(record, name) for name in JOINS[type(record)].field_joins))
    return {table: sorted(of_table, key=repr) for table, of_table in rows.items()}


def stored_rows(engine: Engine) -> dict[str, list[tuple[Any, ...]]]:
    """The rows of all tables, without `changed_at`."""
    rows = {}
    with engine.connect().execution_options(reads=True) as connection:
        for record in RECORDS:
            columns = metadata.tables[f"{SCHEMA}.{record.table}"].c
            values = connection.execute(select(*(columns[name] for name in JOINS[record].field_joins)))
            rows[record.table] = sorted((tuple(row) for row in values), key=repr)
    return rows


def empty(engine: Engine) -> None:
    """Delete all rows."""
    with engine.begin() as connection:
        for record in RECORDS:
            connection.execute(metadata.tables[f"{SCHEMA}.{record.table}"].delete())
