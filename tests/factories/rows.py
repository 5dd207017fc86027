"""Records for the tests, of every table and of every oddity; and what a database holds of them."""

import random
from collections.abc import Iterable
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st
from sqlalchemy import Boolean, Engine, select
from sqlalchemy.types import BigInteger, Integer

from seven.joins import Join
from seven.records import OUTCOMES, RECORDS, SHAPES, Record, fold
from store.schema import SCHEMA, metadata
from store.types import Euros, Time

NOON = datetime(2026, 3, 29, 12, tzinfo=UTC)

# Small pools, so that ties happen. The texts sort differently by code point, by UTF-16 and by any language's rules.
TEXTS = ["", "0", "10", "9", "B", "a", "a ", "Ä", "ß", "\uffff", "\U00010000", "'; --", "\ufffd", "ACCEPTED"]
TIMES = [NOON, NOON + timedelta(microseconds=1), NOON + timedelta(hours=1), datetime(2000, 1, 1, tzinfo=UTC)]
NUMBERS = [0, 1, 9, 10, 2**31 - 1]
PRICES = [Decimal(0), Decimal("0.075"), Decimal("0.07500001"), Decimal("9.9"), Decimal("9999999.99999999")]


def _values(record: type[Record], name: str) -> list[Any]:
    declared, kind = SHAPES[record].declared[name], metadata.tables[f"{SCHEMA}.{record.table}"].c[name].type
    if declared.order:
        pool: list[Any] = list(OUTCOMES)
    elif isinstance(kind, Boolean):
        pool = [False, True]
    elif isinstance(kind, (Integer, BigInteger)):
        pool = NUMBERS
    elif isinstance(kind, Time):
        pool = TIMES
    elif isinstance(kind, Euros):
        pool = PRICES
    else:
        pool = TEXTS
    return pool[:3] if declared.join is Join.KEY else [None, *pool]


def records_of(record: type[Record]) -> st.SearchStrategy[Record]:
    """Any record of one class."""
    return st.builds(record, **{one.name: st.sampled_from(_values(record, one.name)) for one in fields(record)})


def stories() -> st.SearchStrategy[list[Record]]:
    """Records of all classes, many of them about the same things."""
    return st.lists(st.one_of([records_of(record) for record in RECORDS]), max_size=25)


def retold(scenario: list[Record], chance: random.Random) -> list[list[Record]]:
    """The same story in another order, with repeats, split into batches."""
    told = scenario + chance.choices(scenario, k=len(scenario) // 3) if scenario else []
    chance.shuffle(told)
    batches: list[list[Record]] = [[]]
    for record in told:
        if chance.random() < 0.3:
            batches.append([])
        batches[-1].append(record)
    return batches


def told_once(scenario: Iterable[Record]) -> dict[str, list[tuple[Any, ...]]]:
    """What the tables must hold, by the joins in Python."""
    rows: dict[str, list[tuple[Any, ...]]] = {record.table: [] for record in RECORDS}
    for one in fold(scenario):
        rows[one.table].append(tuple(getattr(one, name) for name in SHAPES[type(one)].declared))
    return {table: sorted(found, key=repr) for table, found in rows.items()}


def kept(engine: Engine) -> dict[str, list[tuple[Any, ...]]]:
    """What the tables hold, without `changed_at`."""
    rows = {}
    with engine.connect().execution_options(reads=True) as connection:
        for record in RECORDS:
            columns = metadata.tables[f"{SCHEMA}.{record.table}"].c
            found = connection.execute(select(*(columns[name] for name in SHAPES[record].declared)))
            rows[record.table] = sorted((tuple(row) for row in found), key=repr)
    return rows


def empty(engine: Engine) -> None:
    """Forget all rows."""
    with engine.begin() as connection:
        for record in RECORDS:
            connection.execute(metadata.tables[f"{SCHEMA}.{record.table}"].delete())
