"""Histories: `keep_earliest` of `seven/histories.py` in SQL, the same for SQLite and PostgreSQL.

An unpartitioned table could have this join in `ON CONFLICT`, as every other: but the time of an entry is part of its
key, since PostgreSQL partitions histories by it. So what was inserted is reduced afterwards, by one writer at a time.
"""

import hashlib
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from sqlalchemy import ARRAY, BigInteger, Connection, Delete, Update, bindparam, delete, func, select, true, update

from seven.record import Record
from store.schema import SCHEMA, metadata

_STRIPES = 64
"""Locks of one history: a transaction takes no more of them, however many entries it writes."""


def keep_earliest(connection: Connection, table_name: str, entries: Iterable[Record]) -> None:
    """Reduce the undated entries of these statuses, just inserted in the current transaction, to their earliest.

    Two writers that insert one each see each other's only after one has committed: the second to take the lock does.
    Both take it after their insertion, which may wait for others.
    """
    keys = sorted({tuple(getattr(entry, name) for name in entry.history_of): entry for entry in entries}.items())
    if connection.dialect.name == "postgresql":
        stripes = sorted({_stripe(table_name, key) for key, _ in keys})
        connection.execute(_LOCKS, {"stripes": stripes})
    names = keys[0][1].history_of
    parameters = [{f"its_{name}": value for name, value in zip(names, key, strict=True)} for key, _ in keys]
    for statement in _statements(table_name, names):
        connection.execute(statement, parameters)


_LOCKS = select(
    func.pg_advisory_xact_lock(
        func.unnest(bindparam("stripes", type_=ARRAY(BigInteger))).table_valued("stripe").render_derived().c.stripe
    )
)


def _stripe(table_name: str, key: Sequence[Any]) -> int:
    digest = hashlib.sha256(repr(key).encode("utf-8", "backslashreplace")).digest()
    base = int.from_bytes(hashlib.sha256(f"seven-ingest {table_name}".encode()).digest()[:7])
    return base // _STRIPES * _STRIPES + digest[0] % _STRIPES


@cache
def _statements(table_name: str, names: Sequence[str]) -> tuple[Update, Delete]:
    table = metadata.tables[f"{SCHEMA}.{table_name}"]
    undated = table.alias("entry")
    same = [undated.c[name] == bindparam(f"its_{name}") for name in names]
    first = select(func.min(undated.c.at)).where(*same, undated.c.undated.is_not(None)).scalar_subquery()
    later = [*(table.c[name] == bindparam(f"its_{name}") for name in names), table.c.at > first]
    return (
        update(table).where(*later, table.c.undated.is_not(true()), table.c.undated.is_not(None)).values(undated=None),
        delete(table).where(*later, table.c.undated.is_(true())),
    )
