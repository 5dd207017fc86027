"""Tallying: ordinals whose rows are gone or doubled are kept as runs, so that the audit knows them from new losses."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Literal

from sqlalchemy import Connection, and_, delete, insert, select, text

from seven.ranges import Run, runs
from store.ordinals import Place
from store.schema import SCHEMA, tallies

Fate = Literal["removed", "lost", "doubled"]
"""removed: by retention; lost, doubled: an operator has taken note of it."""


def tally(
    connection: Connection, place: Place, some: Iterable[Run], fate: Fate, received_at: datetime | None = None
) -> None:
    """Keep what became of these ordinals, in the transaction that has it become so; told again it changes nothing.

    `received_at` is the latest receipt among them; None where nobody knows it. Runs that touch become one: what
    retention removes from the beginning of a series on is one row, however long it goes on.
    """
    told = runs(some)
    if not told:
        return
    _lock(connection)
    life, queue = place
    c = tallies.c
    beside = and_(
        c.ledger == life,
        c.queue == queue,
        c.fate == fate,
        c.first_ordinal <= told[-1][1] + 1,
        c.last_ordinal >= told[0][0] - 1,
    )
    kept = connection.execute(select(c.first_ordinal, c.last_ordinal, c.received_at).where(beside)).all()
    known = [(row.first_ordinal, row.last_ordinal) for row in kept]
    joined = runs([*known, *told])
    if joined == sorted(known):
        return
    # One time for all that lie here together: what is asked is until when rows were removed, and that is the latest.
    times = [received_at, *(row.received_at for row in kept)]
    latest = max((at for at in times if at is not None), default=None) if None not in times else None
    now = datetime.now(UTC)
    connection.execute(delete(tallies).where(beside))
    connection.execute(
        insert(tallies),
        [
            {
                "ledger": life,
                "queue": queue,
                "fate": fate,
                "first_ordinal": first,
                "last_ordinal": last,
                "received_at": latest,
                "tallied_at": now,
            }
            for first, last in joined
        ],
    )


def _lock(connection: Connection) -> None:
    """One at a time joins runs; reading goes on. SQLite lets one write at a time anyhow."""
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"LOCK TABLE {SCHEMA}.{tallies.name} IN SHARE ROW EXCLUSIVE MODE"))
