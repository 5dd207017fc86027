"""Check standings: how each check of this installation stands, by its latest change.

A new subscriber is sent the checks that fail already: no later change would report them.

Few of many changes are about checks, and no index has them by topic: they are read by their keys, the checks' names.
"""

from collections.abc import Collection, Iterable
from datetime import datetime

from sqlalchemy import Connection, Select, func, select

from seven.topics import HEALTH
from store.change_rows import insert_handed_out
from store.schema import changes

c = changes.c
FAILED = HEALTH[0]


def read_standings(connection: Connection, names: Iterable[str]) -> dict[str, tuple[int, str]]:
    """Of these checks the number of the latest change, and the grade since; a check without a change is left out."""
    listed = list(names)
    if not listed:
        return {}
    rows = connection.execute(select(c.key, c.seq, c.now).where(c.seq.in_(_latest(listed))))
    return {name: (seq, now) for name, seq, now in rows}


def read_names(connection: Connection) -> set[str]:
    """The checks that have a change. Reads the whole table."""
    return set(connection.execute(select(c.key).where(c.topic.in_(HEALTH)).distinct()).scalars())


def note_failing(connection: Connection, now: datetime, reaction: str) -> int:
    """Note the checks that fail, as they were noted when they began to, for one subscriber alone; returns how many.

    Reads the whole table.
    """
    columns = (c.topic, c.key, c.was, c.now, c.at, c.delivery_id)
    latest = select(*columns).where(c.seq.in_(_latest(read_names(connection))), c.topic == FAILED)
    own = {"reaction": reaction, "any_age": True}
    rows = [dict(row) | own for row in connection.execute(latest).mappings()]
    insert_handed_out(connection, rows, now)
    return len(rows)


def _latest(names: Collection[str]) -> Select[tuple[int]]:
    return select(func.max(c.seq)).where(c.key.in_(names), c.topic.in_(HEALTH)).group_by(c.key)
