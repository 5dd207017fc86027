"""Fence: a transaction that began from what was known before an erasure must not commit after it.

Joins fill blank columns. A worker that took a batch, stalled, and went on after another worker had settled the batch
and an erasure had blanked its rows, would write them again. So each pass of an erasure begins a new *generation*, a
number in the table `fences`:

1. A worker notes the generation before it takes batches, and its transaction is refused (`Fenced`) in another one. It
   takes them again from the ledger, where settled ones are gone.
2. Each transaction stays in its generation until it ends: on PostgreSQL by a shared advisory lock, which an erasure
   waits for; SQLite has one writer at a time, so none of before is left once the generation is committed.

What commits before that is found by the pass. Locks end with their connection, so no killed process leaves any.
"""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, select, text
from sqlalchemy.dialects import postgresql, sqlite

from store.advisory_locks import FENCE
from store.schema import fences

ERASURE = "erasure"
_INSERT: dict[str, Callable[..., Any]] = {"postgresql": postgresql.insert, "sqlite": sqlite.insert}
_ENTER = text(
    "SELECT generation, pg_try_advisory_xact_lock_shared(:lock, generation::integer) FROM"
    " (SELECT coalesce((SELECT generation FROM seven.fences WHERE name = 'erasure'), 0) AS generation) AS now"
)
_LEFT = text(
    "SELECT bool_and(pg_try_advisory_xact_lock(:lock, generation))"
    " FROM generate_series(CAST(:first AS integer), CAST(:last AS integer)) AS generation"
)
EARLIER = 20
"""Generations before the one that has ended, whose transactions may still run: another erasure may have been killed."""


class Fenced(Exception):  # noqa: N818 - a state, not a fault
    """An erasure has begun since the generation was noted. Nothing was written; read again what was to be written."""


def current(connection: Connection) -> int:
    """The current generation; 0 before the first erasure."""
    return connection.execute(select(fences.c.generation).where(fences.c.name == ERASURE)).scalar_one_or_none() or 0


def enter(connection: Connection, noted: int | None) -> None:
    """Enter the current generation until the current transaction ends. Raises Fenced if another one was noted."""
    if connection.dialect.name == "sqlite":
        if noted is not None and current(connection) != noted:
            raise Fenced
        return
    while True:
        generation, is_entered = connection.execute(_ENTER, {"lock": FENCE}).one()
        if noted is not None and generation != noted:
            raise Fenced
        if is_entered and current(connection) == generation:  # no new one before the lock was ours
            return


def begin_generation(connection: Connection) -> int:
    """Begin a new generation when the current transaction commits. Returns the one that it ends."""
    row = _INSERT[connection.dialect.name](fences).values(name=ERASURE, generation=1)
    following = {"generation": fences.c.generation + 1}
    upsert = row.on_conflict_do_update(index_elements=["name"], set_=following).returning(fences.c.generation)
    generation: int = connection.execute(upsert).scalar_one()
    return generation - 1


def is_left(connection: Connection, generation: int) -> bool:
    """Whether all transactions of a generation, and of those before it, have ended."""
    if connection.dialect.name == "sqlite":
        return True
    return bool(
        connection.execute(_LEFT, {"lock": FENCE, "first": generation - EARLIER, "last": generation}).scalar_one()
    )
