"""Forgotten notifications: removes what is about changes that an erasure has removed, from SQLite's own file of them.

On PostgreSQL the erasure does so in its transactions.
"""

from collections.abc import Sequence

from sqlalchemy import Connection, Engine, delete, select

from store.engine import sqlite_file
from store.outbox import FILE, Outbox
from store.schema import changes, notifications
from store.timed_transactions import transact

SEQS_AT_ONCE = 500


def remove_orphans(engine: Engine) -> int:
    """Remove notifications without their change from the file beside this database; returns how many.

    Raises StoreAway.
    """
    file = sqlite_file(engine.url)
    if file is None or not file.with_name(FILE).exists():
        return 0
    outbox = Outbox(engine)
    try:
        removed, after = 0, -1
        while seqs := outbox.transact(lambda connection, _: _following(connection, after), reads=True):  # noqa: B023
            known = transact(engine, lambda connection, _: _there(connection, seqs), reads=True)
            gone = [seq for seq in seqs if seq not in known]
            removed += outbox.transact(lambda connection, _: _remove(connection, gone)) if gone else 0  # noqa: B023
            after = seqs[-1]
        return removed
    finally:
        outbox.close()


def _following(connection: Connection, after: int) -> Sequence[int]:
    c = notifications.c
    query = select(c.seq).where(c.seq > after).distinct().order_by(c.seq).limit(SEQS_AT_ONCE)
    return connection.execute(query).scalars().all()


def _there(connection: Connection, seqs: Sequence[int]) -> set[int]:
    return set(connection.execute(select(changes.c.seq).where(changes.c.seq.in_(seqs))).scalars())


def _remove(connection: Connection, seqs: Sequence[int]) -> int:
    return connection.execute(delete(notifications).where(notifications.c.seq.in_(seqs))).rowcount
