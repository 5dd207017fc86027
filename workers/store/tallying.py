"""Tallying: ordinals whose rows are gone or doubled are kept as runs, so that the audit knows them from new losses."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Literal

from sqlalchemy import Connection

from ledger.runs import Run
from workers.store.counting import Place
from workers.store.tables import tallies
from workers.store.upsert import INSERT

Fate = Literal["removed", "lost", "doubled"]
"""removed: by retention; lost, doubled: an operator has taken note of it."""


def tally(
    connection: Connection, place: Place, some: Iterable[Run], fate: Fate, received_at: datetime | None = None
) -> None:
    """Keep what became of these ordinals, in the transaction that has it become so; told again it changes nothing.

    `received_at` is the latest receipt among them; None where nobody knows it.
    """
    life, queue = place
    now = datetime.now(UTC)
    rows = [
        {
            "ledger": life,
            "queue": queue,
            "fate": fate,
            "first_ordinal": first,
            "last_ordinal": last,
            "received_at": received_at,
            "tallied_at": now,
        }
        for first, last in some
    ]
    if rows:
        connection.execute(INSERT[connection.dialect.name](tallies).on_conflict_do_nothing(), rows)
